import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { findBugs, rerun, review, runAction } from 'postil/commands';
import { SuspectsTree } from 'postil/suspects';
import { editor, EventEmitter, Uri, window } from 'vscode';

const SUSPECT = { uri: 'file:///shop/a.py', path: 'a.py', symbol: 'pay', start_line: 1, end_line: 2, score: 1, evidence: [] };
const NOTHING = { findings: [], hunks: 0, reason: 'Nothing has changed since the last commit.' };
const suspects = new EventEmitter();
let asked;
let parts;

beforeEach(() => {
  editor.reset();
  asked = [];
  editor.folders = ['/other', '/shop'].map((path) => ({ uri: Uri.parse(`file://${path}`) }));
  const tree = new SuspectsTree();
  parts = { tree, client: { onSuspects: suspects.event, run: async ({ command, argument }) => {
    asked.push([command, argument]);
    return NOTHING;
  } } };
});

function goTo(uri) {
  window.activeTextEditor = { document: { uri: Uri.parse(uri), version: 1 } };
}

test('a review reads the folder of the file that is open, not that file alone', async () => {
  goTo('file:///shop/src/a.py');
  await review(parts);
  assert.deepEqual(asked, [['postil.review', { uri: 'file:///shop' }]]);
});

test('a review reads the first folder where no file of one is open, and all where there is none', async () => {
  goTo('output:/Postil');
  await review(parts);
  editor.folders = [];
  await review(parts);
  assert.deepEqual(asked, [['postil.review', { uri: 'file:///other' }], ['postil.review', {}]]);
});

test('a code action reviews the file that it was offered in', async () => {
  goTo('file:///shop/src/a.py');
  await runAction(parts, 'postil.review', { uri: 'file:///shop/src/b.py' });
  assert.deepEqual(asked, [['postil.review', { uri: 'file:///shop/src/b.py' }]]);
  assert.deepEqual(editor.shown, [`Postil: ${NOTHING.reason}`]);
});

test('the reason of a model is shown without links', async () => {
  parts.client.run = async () => ({ finding: null, reason: '[read on](command:evil)' });
  await findBugs(parts, {});
  assert.deepEqual(editor.shown, ['Postil saw no bug there: [read on] (command:evil)']);
});

test('suspects take the keyboard with the first answer alone', async () => {
  const answer = { suspects: [SUSPECT], finding: null, without_model: '' };
  const focused = () => editor.commands.filter(([command]) => command === 'reveal').length;
  parts.client.run = async () => {
    for (const is_final of [false, true]) {
      parts.tree.update({ run: 1, report_head: '', ...answer, is_final });
      suspects.fire(undefined);
    }
    return answer;
  };
  await rerun(parts);
  assert.equal(focused(), 1);
  parts.client.run = async () => answer; // a server that says nothing before its end
  await rerun(parts);
  assert.equal(focused(), 2);
});

test('rows that were replaced while they took the keyboard give it to the newer ones', async () => {
  const revealed = [];
  parts.tree.view.reveal = async (row) => {
    revealed.push(row.suspect.symbol);
    if (revealed.length === 1) {
      parts.tree.end({ suspects: [{ ...SUSPECT, symbol: 'gross' }], finding: null, without_model: '' });
      throw new Error('Cannot resolve tree item');
    }
    throw new Error('The view is hidden');
  };
  parts.tree.end({ suspects: [SUSPECT], finding: null, without_model: '' });
  await parts.tree.focus();
  assert.deepEqual(revealed, ['pay', 'gross']);
});
