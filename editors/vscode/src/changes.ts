// Shows a change that nobody has seen yet (one in free text, or of a file that is not open) as a diff, and lets it
// land only when the user says so.
//
// An edit of one file is shown beside the file; one of several files goes to the editor's own Refactor Preview, which
// the server's annotations ask for. The edit itself is applied by the language client, which checks its version; an
// edit of a file that the server has from disk has none, so that the text is compared here.

import * as vscode from 'vscode';

import { visible } from './contract';

const SCHEME = 'postil-change';
export const WAITING = 'postil.changeWaiting'; // context key

/** What became of a shown change. */
export type Verdict = 'apply' | 'discard';

/** The change that is shown, and the jobs of which it may be: an edit does not say whose it is. */
interface Waiting {
  readonly uri: vscode.Uri;
  readonly jobs: Set<symbol>;
  readonly decide: (verdict: Verdict) => void;
}

export class ChangePreview implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly texts = new Map<string, string>();
  private readonly registered: vscode.Disposable;
  private readonly expecting = new Set<symbol>();
  private number = 0;
  private waiting: Waiting | undefined;

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

  /** Edits of the server are shown from now on, until the job has ended and what this gives is disposed of. */
  expect(): vscode.Disposable {
    const job = Symbol();
    this.expecting.add(job);
    return new vscode.Disposable(() => {
      this.end(job);
    });
  }

  private end(job: symbol): void {
    this.expecting.delete(job);
    if (this.waiting?.jobs.delete(job) === true && this.waiting.jobs.size === 0) {
      this.decide('discard');
    }
  }

  /** Why an edit that the server asks for may not be applied; undefined when it may. */
  async refusal(title: string, edit: vscode.WorkspaceEdit): Promise<string | undefined> {
    const [first, ...others] = edit.entries();
    if (others.length > 0) {
      this.tell(vscode.l10n.t('look at the Refactor Preview: tick the files, then Apply'));
    }
    if (this.expecting.size === 0 || first === undefined || others.length > 0) {
      return undefined;
    }
    return await this.review(title, ...first);
  }

  private async review(title: string, file: vscode.Uri, edits: readonly vscode.TextEdit[]): Promise<string | undefined> {
    const document = await vscode.workspace.openTextDocument(file);
    const before = document.getText();
    if (this.expecting.size === 0) {
      return vscode.l10n.t('it was discarded'); // the job was stopped while the file was read
    }
    this.number += 1;
    const after = file.with({ scheme: SCHEME, authority: '', query: String(this.number), fragment: '' });
    this.texts.set(after.toString(), applied(document, edits));
    this.decide('discard'); // only one is shown at a time
    const verdict = new Promise<Verdict>((resolve) => {
      this.waiting = { uri: after, jobs: new Set(this.expecting), decide: resolve };
    });
    await vscode.commands.executeCommand('setContext', WAITING, true);
    const name = vscode.workspace.asRelativePath(file);
    await vscode.commands.executeCommand('vscode.diff', file, after, vscode.l10n.t('{0}: {1}', name, title), { preview: true });
    this.tell(vscode.l10n.t('look at the diff: Ctrl+Enter applies it, closing it discards it'));
    const decided = await verdict;
    const isStale = document.getText() !== before; // the diff waited, and a person or another program did not
    await this.close(after);
    if (decided === 'discard') {
      return vscode.l10n.t('it was discarded');
    }
    return isStale ? vscode.l10n.t('{0} has changed since', visible(name)) : undefined;
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
