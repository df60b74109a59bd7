import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';

import { ChangePreview } from 'postil/changes';
import { editor, TabInputTextDiff, Uri } from 'vscode';

const SOURCE = 'a = 1\nb = 2\n';
let preview;

beforeEach(() => {
  editor.reset();
  for (const name of ['a', 'b']) {
    const file = { text: SOURCE, getText: () => file.text, offsetAt: (place) => place };
    editor.documents.set(`file:///${name}.py`, file);
  }
  preview = new ChangePreview(() => undefined);
});

/** What becomes of an edit of a file: `refused` is a promise of why, or of undefined when it lands. */
async function edit(name) {
  const edits = [{ range: { start: { compareTo: () => 0 }, end: 0 }, newText: '' }];
  let refused = 'asked';
  const entries = () => [[Uri.parse(`file:///${name}.py`), edits]];
  const done = preview.refusal('a change', { entries }).then((reason) => {
    refused = reason;
  });
  await setImmediate();
  return { done, get refused() { return refused; } };
}

const shown = () => editor.commands.filter(([command]) => command === 'vscode.diff').map(([, , after]) => after);

test('an edit that nobody has to see lands', async () => {
  assert.equal((await edit('a')).refused, undefined);
  assert.deepEqual(shown(), []);
});

test('an edit is shown, lands when the user says so, and not when its diff is closed', async () => {
  const job = preview.expect();
  const first = await edit('a');
  assert.equal(first.refused, 'asked');
  preview.decide('apply');
  await first.done;
  assert.equal(first.refused, undefined);
  const second = await edit('a');
  const tab = { input: new TabInputTextDiff(undefined, shown()[1]) };
  editor.closed.at(-1)({ closed: [tab] });
  await second.done;
  assert.equal(second.refused, 'it was discarded');
  job.dispose();
});

test('the end of one job leaves the edit of another waiting', async () => {
  const one = preview.expect();
  const other = preview.expect();
  one.dispose();
  const late = await edit('b');
  assert.equal(late.refused, 'asked');
  preview.decide('discard');
  await late.done;
  const third = preview.expect();
  const early = await edit('b');
  third.dispose();
  await setImmediate();
  assert.equal(early.refused, 'asked');
  preview.decide('apply');
  await early.done;
  assert.equal(early.refused, undefined);
  other.dispose();
  assert.equal((await edit('a')).refused, undefined);
});

test('a diff goes with the last job that it can be of', async () => {
  const job = preview.expect();
  const waiting = await edit('a');
  job.dispose();
  await waiting.done;
  assert.equal(waiting.refused, 'it was discarded');
});

test('a job that is stopped while its file is read shows nothing', async () => {
  const job = preview.expect();
  const waiting = edit('a');
  job.dispose();
  await (await waiting).done;
  assert.equal((await waiting).refused, 'it was discarded');
  assert.deepEqual(shown(), []);
});

test('a newer edit takes the place of the one that is shown', async () => {
  const job = preview.expect();
  const [older, newer] = await Promise.all([edit('a'), edit('b')]);
  await older.done;
  assert.equal(older.refused, 'it was discarded');
  preview.decide('apply');
  await newer.done;
  assert.equal(newer.refused, undefined);
  job.dispose();
});

test('an edit of a file that has changed while its diff waited does not land', async () => {
  const job = preview.expect();
  const waiting = await edit('a');
  editor.documents.get('file:///a.py').text = `# by git\n${SOURCE}`;
  preview.decide('apply');
  await waiting.done;
  assert.equal(waiting.refused, 'a.py has changed since');
  job.dispose();
});
