import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';

import { PostilClient } from 'postil/client';
import { clearFindings, fetchDocument, showDocument, stopWork } from 'postil/commands';
import { editor, Uri } from 'vscode';
import { CloseAction, ResponseError, servers } from 'vscode-languageclient/node';

const JOB = { command: 'postil.fix', argument: {}, title: 'fixing' };
let client;

beforeEach(() => {
  editor.reset();
  servers.reset();
  mock.timers.reset();
  mock.timers.enable({ apis: ['setTimeout'] });
  editor.settings.server_command = [process.execPath];
  servers.answers['postil.fix'] = () => 'fixed';
  const silent = { info() {}, warn() {}, error() {}, show() {} };
  client = new PostilClient(silent, {});
});

const newest = () => servers.clients.at(-1);

/** A crash whose pause is over at once, unless something comes between. */
async function crash(between = async () => undefined) {
  const ended = newest().crash();
  await between();
  mock.timers.tick(10_000);
  return (await ended).action;
}

test('two quick restarts leave one server, and a stop leaves none', async () => {
  servers.start = () => setImmediate();
  await client.start();
  await Promise.all([client.restart(), client.restart()]);
  assert.deepEqual([...servers.living], [newest()]);
  assert.equal(await client.run(JOB), 'fixed');
  await Promise.all([client.restart(), client.stop()]);
  assert.equal(servers.living.size, 0);
});

test('commands that come together start one server', async () => {
  servers.start = () => setImmediate();
  assert.deepEqual(await Promise.all([client.run(JOB), client.run(JOB)]), ['fixed', 'fixed']);
  assert.equal(servers.clients.length, 1);
});

test('a server that has ended is started again, unless it was replaced or stopped meanwhile', async () => {
  await client.start();
  assert.equal(await crash(), CloseAction.Restart);
  assert.equal(await crash(() => client.restart()), CloseAction.DoNotRestart);
  assert.equal(await crash(() => client.stop()), CloseAction.DoNotRestart);
});

test('a server that was stopped on purpose does not count as one that has ended', async () => {
  await client.start();
  const [first] = servers.clients;
  await client.restart();
  for (let times = 0; times < 5; times += 1) {
    assert.equal((await first.crash()).action, CloseAction.DoNotRestart);
  }
  assert.deepEqual(editor.shown, []);
  assert.equal(await crash(), CloseAction.Restart);
});

test('a command starts the server again after its fourth end', async () => {
  await client.start();
  for (let times = 0; times < 3; times += 1) {
    assert.equal(await crash(), CloseAction.Restart);
  }
  assert.equal(await crash(), CloseAction.DoNotRestart);
  assert.match(editor.shown.at(-1), /has ended 4 times/);
  assert.equal(await client.run(JOB), 'fixed');
  assert.equal(servers.clients.length, 2);
});

test('after a failed start a command tries once more and says when that fails, too', async () => {
  servers.start = async () => {
    throw new Error('no such model');
  };
  await client.start();
  editor.shown = [];
  assert.equal(await client.run(JOB), undefined);
  assert.match(editor.shown.join(), /could not start/);
  servers.start = async () => undefined;
  assert.equal(await client.run(JOB), 'fixed');
});

test('a start that is replaced before it has failed is not said', async () => {
  let fail;
  servers.start = () => new Promise((_, reject) => {
    fail = reject;
  });
  const started = client.start();
  await setImmediate();
  servers.start = async () => undefined;
  const restarted = client.restart();
  await setImmediate();
  fail(new Error('killed'));
  await Promise.all([started, restarted]);
  assert.deepEqual(editor.shown, []);
  assert.deepEqual([...servers.living], [newest()]);
});

test('a server that hangs while it starts is not waited for for ever', async () => {
  servers.start = () => new Promise(() => undefined);
  const started = client.start();
  await setImmediate();
  const stopped = client.stop();
  await setImmediate();
  mock.timers.tick(10_000);
  await stopped;
  await started;
  assert.equal(servers.living.size, 0);
  assert.deepEqual(editor.shown, []);
});

test('nothing is started to stop work, to clear findings or to look for a reasoning', async () => {
  servers.answers['postil.trace'] = () => null;
  const parts = { client, tree: { clear() {} }, documents: {} };
  await stopWork(parts);
  await clearFindings(parts);
  await showDocument(parts, 'postil.trace');
  assert.equal(await fetchDocument(client, Uri.parse('postil-trace:/3/Reasoning')), undefined);
  assert.equal(servers.clients.length, 0);
  assert.match(editor.shown.join(), /0 stopped.*There is no reasoning yet/);
});

test('what a server says of a failure has no link in it', async () => {
  servers.answers['postil.fix'] = () => {
    throw new ResponseError(-32803, '[yes](command:evil)');
  };
  assert.equal(await client.run(JOB), undefined);
  assert.deepEqual(editor.shown, ['Postil: [yes] (command:evil)']);
  assert.equal(typeof newest().options.connectionOptions.messageStrategy.handleMessage, 'function');
});
