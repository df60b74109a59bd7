// The tree of suspects: what a report points to, with the reasons as children. It shows what it is given; it asks nothing.

import * as vscode from 'vscode';

import { goTo, visible, type Evidence, type Finding, type Located, type Suspect, type SuspectsParams } from './contract';

export const VIEW = 'postil.suspects';
const MESSAGE_CHARS = 80;

/** What the tree shows: one report's suspects, and the model's finding once it is there. */
interface Shown {
  readonly suspects: readonly Suspect[];
  readonly finding: Finding | null;
  readonly isFinal: boolean;
}

type Node =
  | { readonly kind: 'finding'; readonly finding: Finding }
  | { readonly kind: 'suspect'; readonly rank: number; readonly suspect: Suspect }
  | { readonly kind: 'evidence'; readonly parent: Node; readonly suspect: Suspect; readonly evidence: Evidence };

export class SuspectsTree implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<undefined>();
  private readonly view: vscode.TreeView<Node>;
  private roots: readonly Node[] = [];

  readonly onDidChangeTreeData = this.changed.event;

  constructor() {
    this.view = vscode.window.createTreeView(VIEW, { treeDataProvider: this, showCollapseAll: true });
  }

  /** A report was sent: what was there before no longer holds. */
  begin(report: string): void {
    this.show({ suspects: [], finding: null, isFinal: false }, vscode.l10n.t('Looking for “{0}” …', head(report)));
  }

  /** The server's partial or final answer. */
  update(params: SuspectsParams): void {
    const message = params.is_final
      ? ''
      : vscode.l10n.t('For “{0}”, without a model so far; it is thinking …', head(params.report_head));
    this.show({ suspects: params.suspects, finding: params.finding, isFinal: params.is_final }, message);
  }

  /** The whole answer; a report without a finding says why. */
  end(located: Located): void {
    this.show({ suspects: located.suspects, finding: located.finding, isFinal: true }, visible(located.without_model));
  }

  /** The report was not answered: keep what is there, and say so. */
  fail(): void {
    this.view.message = vscode.l10n.t('The search was stopped.');
  }

  clear(): void {
    this.show({ suspects: [], finding: null, isFinal: true }, '');
  }

  /** Put the keyboard on the first row. */
  async focus(): Promise<void> {
    const { roots } = this;
    const [first] = roots;
    try {
      if (first !== undefined) {
        await this.view.reveal(first, { focus: true, select: true });
      }
    } catch {
      if (roots !== this.roots) {
        await this.focus(); // newer rows have taken their place meanwhile
      }
    }
  }

  getChildren(node?: Node): Node[] {
    if (node === undefined) {
      return [...this.roots];
    }
    return node.kind === 'suspect'
      ? node.suspect.evidence.map((evidence) => ({ kind: 'evidence', parent: node, suspect: node.suspect, evidence }))
      : [];
  }

  getParent(node: Node): Node | undefined {
    return node.kind === 'evidence' ? node.parent : undefined;
  }

  getTreeItem(node: Node): vscode.TreeItem {
    switch (node.kind) {
      case 'finding':
        return findingItem(node.finding);
      case 'suspect':
        return suspectItem(node.rank, node.suspect);
      case 'evidence':
        return evidenceItem(node.suspect, node.evidence);
    }
  }

  dispose(): void {
    this.view.dispose();
    this.changed.dispose();
  }

  private show(shown: Shown, message: string): void {
    const found: Node[] = shown.finding === null ? [] : [{ kind: 'finding', finding: shown.finding }];
    this.roots = [...found, ...shown.suspects.map((suspect, index): Node => ({ kind: 'suspect', rank: index + 1, suspect }))];
    this.view.message = message;
    this.view.description = shown.isFinal ? '' : vscode.l10n.t('thinking');
    void vscode.commands.executeCommand('setContext', 'postil.hasSuspects', this.roots.length > 0);
    this.changed.fire(undefined);
  }
}

function findingItem(finding: Finding): vscode.TreeItem {
  const item = new vscode.TreeItem(visible(finding.cause));
  item.description = place(finding);
  item.iconPath = new vscode.ThemeIcon('lightbulb', new vscode.ThemeColor('list.warningForeground'));
  item.contextValue = 'finding';
  const { supported } = finding;
  const share = supported === undefined || supported.total === 0
    ? ''
    : vscode.l10n.t('{0} of the {1} places that its reasoning names were shown to it.', supported.shown, supported.total);
  item.tooltip = [vscode.l10n.t('The cause, as the model sees it'), visible(finding.cause), share].filter(Boolean).join('\n');
  item.command = open(finding);
  item.accessibilityInformation = { label: vscode.l10n.t('Finding: {0}, {1}', visible(finding.cause), place(finding)) };
  return item;
}

function suspectItem(rank: number, suspect: Suspect): vscode.TreeItem {
  const name = visible(suspect.symbol ?? suspect.path);
  const hasReasons = suspect.evidence.length > 0;
  const item = new vscode.TreeItem(
    `${rank}. ${name}`,
    hasReasons ? vscode.TreeItemCollapsibleState.Collapsed : vscode.TreeItemCollapsibleState.None,
  );
  item.description = place(suspect);
  item.iconPath = new vscode.ThemeIcon(suspect.symbol === null ? 'file' : 'symbol-method');
  item.contextValue = 'suspect';
  item.tooltip = suspect.evidence.map((evidence) => `– ${visible(evidence.detail)}`).join('\n');
  item.command = open(suspect);
  item.accessibilityInformation = { label: vscode.l10n.t('Suspect {0}: {1}, {2}', rank, name, place(suspect)) };
  return item;
}

function evidenceItem(suspect: Suspect, evidence: Evidence): vscode.TreeItem {
  const item = new vscode.TreeItem(visible(evidence.detail));
  item.tooltip = `${visible(evidence.detail)} (${visible(evidence.signal)})`;
  item.iconPath = new vscode.ThemeIcon('dash');
  item.contextValue = 'evidence';
  item.command = open(suspect);
  return item;
}

function open(at: Suspect | Finding): vscode.Command {
  return { title: vscode.l10n.t('Open'), command: 'postil.openSuspect', arguments: [at.uri, at.start_line, at.end_line] };
}

function place(at: Suspect | Finding): string {
  return `${visible(at.path)}:${at.start_line}`;
}

function head(report: string): string {
  const line = visible(report);
  return line.length > MESSAGE_CHARS ? `${line.slice(0, MESSAGE_CHARS)}…` : line;
}

export const openSuspect = goTo;
