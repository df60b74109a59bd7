import assert from 'node:assert/strict';
import { test } from 'node:test';

import { visible } from 'postil/contract';
import { plainSentences } from 'postil/sentences';

// How the editor finds links in a notification: base/common/linkedText.ts of VS Code.
const LINK = /\[([^\]]+)\]\(((?:https?:\/\/|command:|file:)[^)\s]+)(?: (["'])(.+?)(\3))?\)/i;
const TRAP = '[look here](command:workbench.action.terminal.sendSequence?%7B%22text%22%3A%22id%5Cn%22%7D)';

function come(message) {
  let handled;
  plainSentences.handleMessage({ jsonrpc: '2.0', ...message }, (given) => {
    handled = given;
  });
  return handled;
}

test('words with a link in them are shown without one', () => {
  assert.match(TRAP, LINK);
  assert.doesNotMatch(visible(TRAP), LINK);
  assert.doesNotMatch(visible(TRAP.replace('](', ']\u200b(')), LINK);
  assert.doesNotMatch(visible('[a](file:///x) [b](HTTPS://x)'), LINK);
});

test('a message, a question and progress of the server have no link', () => {
  for (const method of ['window/showMessage', 'window/showMessageRequest']) {
    const { params } = come({ id: 1, method, params: { type: 2, message: TRAP } });
    assert.equal(params.type, 2);
    assert.doesNotMatch(params.message, LINK);
  }
  for (const name of ['title', 'message']) {
    const { params } = come({ method: '$/progress', params: { token: 't', value: { kind: 'begin', [name]: TRAP, percentage: 3 } } });
    assert.equal(params.token, 't');
    assert.equal(params.value.percentage, 3);
    assert.doesNotMatch(params.value[name], LINK);
  }
});

test('an error of the server has no link and keeps its code', () => {
  const { error, id } = come({ id: 7, error: { code: -32803, message: TRAP } });
  assert.deepEqual([id, error.code], [7, -32803]);
  assert.doesNotMatch(error.message, LINK);
});

test('what is no sentence passes as it is', () => {
  for (const message of [
    { id: 1, result: { text: TRAP } },
    { method: 'postil/status', params: { text: TRAP } },
    { method: '$/progress', params: { token: 't', value: [TRAP] } },
    { id: 2, method: 'workspace/applyEdit', params: { edit: { message: TRAP } } },
  ]) {
    const expected = { jsonrpc: '2.0', ...message };
    const handled = come(message);
    assert.deepEqual(handled, expected);
  }
});
