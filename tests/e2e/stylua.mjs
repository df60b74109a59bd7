// StyLua as npm has it is a library: this is its command. It reads the plugin's stylua.toml.
//   node stylua.mjs STYLUA_FOLDER TOML [--check] FILE...     exit code 1 when --check finds a difference
import { createRequire } from 'node:module';
import { readFileSync, writeFileSync } from 'node:fs';

const [folder, toml, ...rest] = process.argv.slice(2);
const stylua = createRequire(import.meta.url)(`${folder}/node_modules/@johnnymorganz/stylua`);
const check = rest[0] === '--check';
const enums = { indent_type: stylua.IndentType, quote_style: stylua.QuoteStyle };

function config() {
  const made = stylua.Config.new();
  made.syntax = stylua.LuaVersion.LuaJIT;
  for (const line of readFileSync(toml, 'utf8').split('\n').filter(Boolean)) {
    const [, name, value] = /^(\w+) = (.*)$/.exec(line);
    const given = JSON.parse(value);
    made[name] = enums[name] ? enums[name][given] : given;
  }
  return made;
}

let different = 0;
for (const file of check ? rest.slice(1) : rest) {
  const before = readFileSync(file, 'utf8');
  const after = stylua.formatCode(before, config(), undefined, stylua.OutputVerification.Full);
  if (after !== before) {
    different += 1;
    console.log(`${file} is not formatted`);
    if (!check) writeFileSync(file, after);
  }
}
process.exit(check && different > 0 ? 1 : 0);
