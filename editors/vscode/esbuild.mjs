// Bundles the extension into one file, and writes down whose code went in, under which licence.
import { build } from 'esbuild';
import fs from 'node:fs';
import path from 'node:path';

const { metafile } = await build({
  entryPoints: ['src/extension.ts'],
  outfile: 'dist/extension.js',
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  external: ['vscode'],
  minify: true,
  keepNames: true, // stack traces in the log stay readable
  legalComments: 'none', // they are in NOTICES.txt
  metafile: true,
});

const packages = new Set(
  Object.keys(metafile.inputs)
    .map((file) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1])
    .filter((name) => name !== undefined),
);
const notices = [...packages].sort().map((name) => {
  const folder = path.join('node_modules', name);
  const { version, license } = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
  const file = fs.readdirSync(folder).find((entry) => /^licen[sc]e/i.test(entry));
  const text = file === undefined ? '' : fs.readFileSync(path.join(folder, file), 'utf8').trim();
  return `${name} ${version} (${license})\n\n${text}\n`;
});
fs.writeFileSync('dist/NOTICES.txt', `Code of others in this extension:\n\n${notices.join('\n---\n\n')}`);
fs.copyFileSync('../../LICENSE', 'LICENSE');
