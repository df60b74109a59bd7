// Finds the command that starts the server. Nothing is started, downloaded or guessed here.

import * as fs from 'node:fs';
import * as path from 'node:path';

import * as vscode from 'vscode';

import { serverCommand } from './settings';

/** A command line: the program and its arguments. */
export interface ServerCommand {
  readonly program: string;
  readonly arguments: readonly string[];
}

/** One sentence for the user: why there is no server, and what to do. */
export class ServerNotFound extends Error {}

/** The setting if there is one, else `postil` on the PATH. Throws `ServerNotFound`. */
export function findServer(): ServerCommand {
  const [program, ...rest] = serverCommand();
  if (program === undefined) {
    const found = onPath('postil');
    if (found !== undefined) {
      return { program: found, arguments: ['serve'] };
    }
    throw new ServerNotFound(
      vscode.l10n.t(
        'Postil’s server was not found: install it, then name its command in the setting postil.server_command, for example ["/path/to/postil/bin/postil", "serve"].',
      ),
    );
  }
  const file = path.isAbsolute(program) ? program : onPath(program);
  if (file === undefined || !isProgram(file)) {
    throw new ServerNotFound(
      vscode.l10n.t('{0}, named in the setting postil.server_command, is no program that can be started; give its whole path.', program),
    );
  }
  return { program: file, arguments: rest };
}

/** A program by its bare name, as a shell finds it; never one in the current folder. */
function onPath(name: string): string | undefined {
  if (path.basename(name) !== name) {
    return undefined; // a relative path would depend on where the editor was started
  }
  const ending = process.platform === 'win32' && path.extname(name) === '' ? '.exe' : ''; // what pip installs
  return (process.env['PATH'] ?? '')
    .split(path.delimiter)
    .filter((folder) => path.isAbsolute(folder))
    .map((folder) => path.join(folder, name + ending))
    .find(isProgram);
}

function isProgram(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}
