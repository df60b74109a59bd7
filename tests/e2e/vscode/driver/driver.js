// For tests only: runs a function's body in the extension host and answers with its result, both as lines of JSON
// over a socket in a folder that the test owns. Does nothing without that folder.
const net = require('node:net');
const path = require('node:path');
const readline = require('node:readline');
const vscode = require('vscode');

const AsyncFunction = (async () => {}).constructor;

exports.activate = () => {
  const folder = vscode.workspace.workspaceFolders?.[0];
  if (!process.env.POSTIL_TEST_SOCKETS || folder === undefined) {
    return;
  }
  const server = net.createServer((connection) => {
    readline.createInterface({ input: connection }).on('line', async (line) => {
      const { body, given } = JSON.parse(line);
      const answer = await new AsyncFunction('vscode', 'folder', 'given', body)(vscode, folder.uri, given).then(
        (result) => ({ result: result ?? null }),
        (error) => ({ error: String(error?.stack ?? error) }),
      );
      connection.write(`${JSON.stringify(answer)}\n`);
    });
  });
  server.listen(path.join(process.env.POSTIL_TEST_SOCKETS, `${path.basename(folder.uri.path)}.sock`));
};
