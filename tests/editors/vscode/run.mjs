// Bundles one file of tests with the sources of the extension and runs it: `node run.mjs TESTS OUT`.
// The editor and the connection to the server are the stubs beside this file.
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const here = import.meta.dirname;
const modules = path.resolve(here, '../../../editors/vscode/node_modules');
const { build } = createRequire(path.join(modules, 'x'))('esbuild');
const [tests, outfile] = process.argv.slice(2);

await build({
  entryPoints: [path.join(here, tests)],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'cjs',
  alias: {
    vscode: path.join(here, 'vscode.mjs'),
    'vscode-languageclient/node': path.join(here, 'languageclient.mjs'),
    'vscode-jsonrpc/node': path.join(modules, 'vscode-jsonrpc/lib/node/main.js'),
    postil: path.resolve(here, '../../../editors/vscode/src'),
  },
  logLevel: 'error',
});
await import(pathToFileURL(outfile));
