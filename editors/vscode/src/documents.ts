// Read-only texts of the server: a trace, a receipt, the doctor's findings, the record.
//
// Links in them come from the server's list of references alone, and lead to lines of files in the workspace. Text
// that looks like an address is made not to be one, because the editor itself would turn it into a link.

import * as vscode from 'vscode';

import { fileUri, range, type TextDocument } from './contract';

export const SCHEMES = ['postil-trace', 'postil-receipt', 'postil-text'] as const;
const LANGUAGE = 'postil-text';
const KEPT = 50; // texts; the oldest is dropped

export class TextDocuments implements vscode.DocumentLinkProvider, vscode.Disposable {
  private readonly documents = new Map<string, TextDocument>();
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  private readonly registered: vscode.Disposable;

  /** `fetch` asks the server for a text that is not here, such as that behind a finding's code. */
  constructor(private readonly fetch: (uri: vscode.Uri) => Promise<TextDocument | undefined>) {
    this.registered = vscode.Disposable.from(
      ...SCHEMES.map((scheme) => vscode.workspace.registerTextDocumentContentProvider(scheme, this.provider(scheme))),
      vscode.languages.registerDocumentLinkProvider(
        SCHEMES.map((scheme) => ({ scheme })),
        this,
      ),
      vscode.workspace.onDidOpenTextDocument(async (opened) => {
        if (isOurs(opened.uri) && opened.languageId !== LANGUAGE) {
          await vscode.languages.setTextDocumentLanguage(opened, LANGUAGE); // it wraps its lines
        }
      }),
    );
  }

  /** Open a text beside the code. */
  async show(document: TextDocument): Promise<void> {
    const given = vscode.Uri.parse(document.uri, true);
    if (!isOurs(given)) {
      return; // a file must not be opened by this way
    }
    const uri = given.with({ path: given.path.replace(/\.txt$/, `/${tabName(given)}`) });
    this.keep(uri, document);
    this.changed.fire(uri); // where it is open already
    const opened = await vscode.workspace.openTextDocument(uri);
    await vscode.window.showTextDocument(opened, { preview: true, viewColumn: vscode.ViewColumn.Beside });
  }

  /** Open words that the server said for a person, without any links. */
  async showText(name: string, text: string): Promise<void> {
    await this.show({ uri: `postil-text:/${name}`, title: name, text, references: [] });
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const known = this.documents.get(uri.toString()) ?? (await this.fetch(uri));
    if (known === undefined) {
      return vscode.l10n.t('This text is gone: it is kept as long as the server runs.');
    }
    this.keep(uri, known);
    return withoutAddresses(known.text);
  }

  provideDocumentLinks(shown: vscode.TextDocument): vscode.DocumentLink[] {
    const references = this.documents.get(shown.uri.toString())?.references ?? [];
    return references.flatMap(({ range: at, target }) => {
      const file = fileUri(target.uri);
      if (file === undefined || vscode.workspace.getWorkspaceFolder(file) === undefined) {
        return [];
      }
      const link = new vscode.DocumentLink(range(at), file.with({ fragment: `L${target.range.start.line + 1}` }));
      link.tooltip = vscode.l10n.t('{0}, line {1}', vscode.workspace.asRelativePath(file), target.range.start.line + 1);
      return [link];
    });
  }

  dispose(): void {
    this.registered.dispose();
    this.changed.dispose();
  }

  /** The editor wants to hear from each provider of its own scheme alone. */
  private provider(scheme: string): vscode.TextDocumentContentProvider {
    return {
      onDidChange: (listen) =>
        this.changed.event((uri) => {
          if (uri.scheme === scheme) {
            listen(uri);
          }
        }),
      provideTextDocumentContent: (uri) => this.provideTextDocumentContent(uri),
    };
  }

  private keep(uri: vscode.Uri, document: TextDocument): void {
    const key = uri.toString();
    this.documents.delete(key);
    this.documents.set(key, document);
    const [oldest] = this.documents.keys();
    if (this.documents.size > KEPT && oldest !== undefined) {
      this.documents.delete(oldest);
    }
  }
}

function isOurs(uri: vscode.Uri): boolean {
  return (SCHEMES as readonly string[]).includes(uri.scheme);
}

/** A tab is named by the end of its path, which in the server's URI is a number. */
function tabName(uri: vscode.Uri): string {
  switch (uri.scheme) {
    case 'postil-trace':
      return vscode.l10n.t('Reasoning');
    case 'postil-receipt':
      return vscode.l10n.t('Why these files');
    default:
      return uri.path.slice(1);
  }
}

/** `https://x` with division slashes: as long as before, so that references still fit, and no address. */
function withoutAddresses(text: string): string {
  return text.replaceAll('://', ':\u2215\u2215');
}
