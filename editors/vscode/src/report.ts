// Where a bug report comes from: clipboard, selection, terminal, a file, or a text that is written here.
//
// A text is written in an ordinary editor over a document in memory, so that it has as many lines as it needs and
// everything that an editor can do; Ctrl+Enter sends it. Nothing is written to disk.

import * as vscode from 'vscode';

import { visible } from './contract';

const MAX_REPORT_BYTES = 1_000_000; // a log's end is what matters; the server reads less anyway
export const REPORT_SCHEME = 'postil-report';
const REPORT_URI = vscode.Uri.from({ scheme: REPORT_SCHEME, path: '/Bug report.txt' });

// The editor shows a terminal's text to extensions only by way of the clipboard.
const SELECTION = ['workbench.action.terminal.copySelection'] as const;
const TERMINAL_WAYS = [
  ['workbench.action.terminal.copyLastCommandOutput'], // where the shell tells the editor of its commands
  ['workbench.action.terminal.selectAll', ...SELECTION, 'workbench.action.terminal.clearSelection'],
] as const;

export type Source = 'clipboard' | 'selection' | 'terminal' | 'terminalSelection' | 'file';

/** The report, or undefined after having said why there is none. */
export async function readReport(source: Source): Promise<string | undefined> {
  switch (source) {
    case 'clipboard':
      return nonEmpty(await vscode.env.clipboard.readText(), vscode.l10n.t('The clipboard holds no text; copy the report first.'));
    case 'selection':
      return nonEmpty(selectedText(), vscode.l10n.t('Nothing is selected; select the report in an editor first.'));
    case 'terminalSelection':
      return nonEmpty(await copied([SELECTION]), vscode.l10n.t('Nothing is selected in the terminal.'));
    case 'terminal':
      return nonEmpty(await copied(TERMINAL_WAYS), vscode.l10n.t('No terminal with text is open; run what fails in one first.'));
    case 'file':
      return await fileText();
  }
}

function selectedText(): string {
  const editor = vscode.window.activeTextEditor;
  return editor === undefined ? '' : editor.selections.map((selection) => editor.document.getText(selection)).join('\n');
}

/** The text that the first of these ways puts on the clipboard, whose own text is put back. */
async function copied(ways: readonly (readonly string[])[]): Promise<string> {
  if (vscode.window.activeTerminal === undefined) {
    return '';
  }
  const before = await vscode.env.clipboard.readText();
  try {
    for (const way of ways) {
      await vscode.env.clipboard.writeText('');
      for (const command of way) {
        await vscode.commands.executeCommand(command);
      }
      const text = await vscode.env.clipboard.readText();
      if (text.trim() !== '') {
        return text;
      }
    }
    return '';
  } finally {
    await vscode.env.clipboard.writeText(before);
  }
}

async function fileText(): Promise<string | undefined> {
  const chosen = await vscode.window.showOpenDialog({ openLabel: vscode.l10n.t('Locate'), title: vscode.l10n.t('A bug report, a log or a test’s output') });
  const [file] = chosen ?? [];
  if (file === undefined) {
    return undefined;
  }
  const bytes = await vscode.workspace.fs.readFile(file);
  const text = new TextDecoder().decode(bytes.subarray(-MAX_REPORT_BYTES));
  return nonEmpty(text, vscode.l10n.t('{0} is empty.', visible(vscode.workspace.asRelativePath(file))));
}

function nonEmpty(text: string, otherwise: string): string | undefined {
  if (text.trim() !== '') {
    return text;
  }
  void vscode.window.showWarningMessage(otherwise);
  return undefined;
}

/** The one document in memory in which a report is written. */
export class ReportEditor implements vscode.FileSystemProvider, vscode.CodeLensProvider, vscode.Disposable {
  private content: Uint8Array = new Uint8Array();
  private changedAt = Date.now();
  private readonly changed = new vscode.EventEmitter<vscode.FileChangeEvent[]>();
  private readonly registered: vscode.Disposable;

  readonly onDidChangeFile = this.changed.event;

  constructor() {
    this.registered = vscode.Disposable.from(
      vscode.workspace.registerFileSystemProvider(REPORT_SCHEME, this, { isCaseSensitive: true }),
      vscode.languages.registerCodeLensProvider({ scheme: REPORT_SCHEME }, this),
    );
  }

  /** Open the editor with the text that was written last. */
  async open(): Promise<void> {
    const document = await vscode.workspace.openTextDocument(REPORT_URI);
    await vscode.window.showTextDocument(document, { preview: false });
  }

  /** The text; undefined after having said that there is none. Closes the editor. */
  async take(): Promise<string | undefined> {
    const document = await vscode.workspace.openTextDocument(REPORT_URI);
    const text = nonEmpty(document.getText(), vscode.l10n.t('Write or paste the report first.'));
    if (text !== undefined) {
      await document.save();
      const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
      await vscode.window.tabGroups.close(tabs.filter(isReport));
    }
    return text;
  }

  /** Says over the text what sends it. */
  provideCodeLenses(): vscode.CodeLens[] {
    const title = vscode.l10n.t('$(search) Locate the bug that is described here (Ctrl+Enter)');
    return [new vscode.CodeLens(new vscode.Range(0, 0, 0, 0), { title, command: 'postil.sendReport' })];
  }

  watch(): vscode.Disposable {
    return new vscode.Disposable(() => undefined);
  }

  stat(uri: vscode.Uri): vscode.FileStat {
    this.check(uri);
    return { type: vscode.FileType.File, ctime: 0, mtime: this.changedAt, size: this.content.byteLength };
  }

  readFile(uri: vscode.Uri): Uint8Array {
    this.check(uri);
    return this.content;
  }

  writeFile(uri: vscode.Uri, content: Uint8Array): void {
    this.check(uri);
    this.content = content;
    this.changedAt = Date.now();
    this.changed.fire([{ type: vscode.FileChangeType.Changed, uri }]);
  }

  readDirectory(): [string, vscode.FileType][] {
    return [];
  }

  createDirectory(): never {
    throw vscode.FileSystemError.NoPermissions();
  }

  delete(): never {
    throw vscode.FileSystemError.NoPermissions();
  }

  rename(): never {
    throw vscode.FileSystemError.NoPermissions();
  }

  dispose(): void {
    this.registered.dispose();
    this.changed.dispose();
  }

  private check(uri: vscode.Uri): void {
    if (uri.toString() !== REPORT_URI.toString()) {
      throw vscode.FileSystemError.FileNotFound(uri);
    }
  }
}

function isReport(tab: vscode.Tab): boolean {
  return tab.input instanceof vscode.TabInputText && tab.input.uri.toString() === REPORT_URI.toString();
}
