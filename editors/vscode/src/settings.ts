// Which settings go to the server: only those that somebody has set, so that its own defaults, its environment and
// a bundle's folders stay in force. The manifest's table is generated from the server's by settings.py.

import * as vscode from 'vscode';

export const SECTION = 'postil';

/** Settings of the extension itself, which the server does not know. */
const OWN: readonly string[] = ['server_command'];

/** All settings of the server that differ from the manifest's defaults, by their names without the section. */
export function chosenSettings(): Record<string, unknown> {
  const configuration = vscode.workspace.getConfiguration(SECTION);
  const chosen: Record<string, unknown> = {};
  for (const name of settingNames()) {
    const found = configuration.inspect(name);
    const isSet = [found?.globalValue, found?.workspaceValue, found?.workspaceFolderValue].some((v) => v !== undefined);
    if (isSet && !OWN.includes(name)) {
      chosen[name] = configuration.get(name);
    }
  }
  return chosen;
}

/** The command line that the user named; empty when there is none. */
export function serverCommand(): readonly string[] {
  const given = vscode.workspace.getConfiguration(SECTION).get<unknown>('server_command');
  return Array.isArray(given) ? given.filter((part): part is string => typeof part === 'string') : [];
}

/** Show a setting where it counts: those of the machine are the remote's in a remote window. */
export function openSetting(name: string): void {
  const command = vscode.env.remoteName === undefined ? 'openSettings' : 'openRemoteSettings';
  void vscode.commands.executeCommand(`workbench.action.${command}`, { query: `@id:${SECTION}.${name}` });
}

/** Keep a choice for this user on this machine. */
export async function choose(name: string, value: unknown): Promise<void> {
  await vscode.workspace.getConfiguration(SECTION).update(name, value, vscode.ConfigurationTarget.Global);
}

function settingNames(): string[] {
  const all = vscode.workspace.getConfiguration().get<Record<string, unknown>>(SECTION, {});
  return Object.keys(all);
}
