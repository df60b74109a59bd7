// Shows a change that nobody has seen yet (one in free text, or of a file that is not open) as a diff, and lets it
// land only when the user says so.
//
// An edit of one file is shown beside the file; one of several files goes to the editor's own Refactor Preview, which
// the server's annotations ask for. The edit itself is applied by the language client, which checks its version.

import * as vscode from 'vscode';

const SCHEME = 'postil-change';
export const WAITING = 'postil.changeWaiting'; // context key

/** What became of a shown change. */
export type Verdict = 'apply' | 'discard';

export class ChangePreview implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly texts = new Map<string, string>();
  private readonly registered: vscode.Disposable;
  private number = 0;
  private isExpecting = false;
  private waiting: { readonly uri: vscode.Uri; readonly decide: (verdict: Verdict) => void } | undefined;

  /** `tell` puts a sentence where the running job shows its progress. */
  constructor(private readonly tell: (sentence: string) => void) {
    this.registered = vscode.Disposable.from(
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
      vscode.window.tabGroups.onDidChangeTabs(({ closed }) => {
        if (closed.some((tab) => this.isShown(tab))) {
          this.decide('discard');
        }
      }),
    );
  }

  /** Edits of the server are shown from now on until `done`. */
  expect(): void {
    this.isExpecting = true;
  }

  done(): void {
    this.isExpecting = false;
    this.decide('discard');
  }

  /** Whether an edit that the server asks for may be applied. */
  async allows(title: string, edit: vscode.WorkspaceEdit): Promise<boolean> {
    const [first, ...others] = edit.entries();
    if (others.length > 0) {
      this.tell(vscode.l10n.t('look at the Refactor Preview: tick the files, then Apply'));
    }
    if (!this.isExpecting || first === undefined || others.length > 0) {
      return true;
    }
    return (await this.review(title, ...first)) === 'apply';
  }

  private async review(title: string, file: vscode.Uri, edits: readonly vscode.TextEdit[]): Promise<Verdict> {
    this.decide('discard'); // only one is shown at a time
    const document = await vscode.workspace.openTextDocument(file);
    this.number += 1;
    const after = file.with({ scheme: SCHEME, authority: '', query: String(this.number), fragment: '' });
    this.texts.set(after.toString(), applied(document, edits));
    const verdict = new Promise<Verdict>((resolve) => {
      this.waiting = { uri: after, decide: resolve };
    });
    await vscode.commands.executeCommand('setContext', WAITING, true);
    const name = vscode.workspace.asRelativePath(file);
    await vscode.commands.executeCommand('vscode.diff', file, after, vscode.l10n.t('{0}: {1}', name, title), { preview: true });
    this.tell(vscode.l10n.t('look at the diff: Ctrl+Enter applies it, closing it discards it'));
    const decided = await verdict;
    await this.close(after);
    return decided;
  }

  /** The user's word on the change that is shown; nothing where none is. */
  decide(verdict: Verdict): void {
    const { waiting } = this;
    this.waiting = undefined;
    void vscode.commands.executeCommand('setContext', WAITING, false);
    waiting?.decide(verdict);
  }

  provideTextDocumentContent(uri: vscode.Uri): string | undefined {
    return this.texts.get(uri.toString());
  }

  dispose(): void {
    this.decide('discard');
    this.registered.dispose();
  }

  private async close(shown: vscode.Uri): Promise<void> {
    this.texts.delete(shown.toString());
    const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
    await vscode.window.tabGroups.close(tabs.filter((tab) => isDiffOf(tab, shown)));
  }

  private isShown(tab: vscode.Tab): boolean {
    return this.waiting !== undefined && isDiffOf(tab, this.waiting.uri);
  }
}

function isDiffOf(tab: vscode.Tab, modified: vscode.Uri): boolean {
  return tab.input instanceof vscode.TabInputTextDiff && tab.input.modified.toString() === modified.toString();
}

/** The document's text after edits that do not overlap. */
function applied(document: vscode.TextDocument, edits: readonly vscode.TextEdit[]): string {
  let text = document.getText();
  const fromTheEnd = [...edits].sort((a, b) => b.range.start.compareTo(a.range.start));
  for (const edit of fromTheEnd) {
    const start = document.offsetAt(edit.range.start);
    text = text.slice(0, start) + edit.newText + text.slice(document.offsetAt(edit.range.end));
  }
  return text;
}
