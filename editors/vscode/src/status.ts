// The status item, and the menu behind it. What it says comes from the server's notifications and the connection.

import * as vscode from 'vscode';

import type { Connection, PostilClient } from './client';
import { visible, type ServerState, type Status } from './contract';
import { choose, openSetting } from './settings';

const ICONS: Record<ServerState, string> = {
  starting: 'loading~spin',
  indexing: 'sync~spin',
  thinking: 'loading~spin',
  idle: 'comment',
  no_model: 'circle-slash',
  error: 'error',
};
const MODELS = ['auto', 'none'] as const;
const EFFORTS = ['quick', 'normal', 'deep'] as const;

export class StatusItem implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem('postil.status', vscode.StatusBarAlignment.Left, 100);
  private status: Status | undefined;
  private connection: Connection = 'stopped';
  private jobs = 0;
  /** Whether the server has said anything since the last job began: until then a job is taken for thinking. */
  private isHeard = false;
  private readonly listening: vscode.Disposable;

  constructor(client: PostilClient) {
    this.item.name = 'Postil';
    this.item.command = 'postil.menu';
    this.listening = vscode.Disposable.from(
      client.onConnection((connection) => {
        this.connection = connection;
        this.status = undefined;
        this.render();
      }),
      client.onStatus((status) => {
        this.status = status;
        this.isHeard = true;
        this.render();
      }),
      client.onJobs((jobs) => {
        this.isHeard = this.isHeard && jobs <= this.jobs;
        this.jobs = jobs;
        this.render();
      }),
    );
    this.render();
    this.item.show();
  }

  /** A line for the head of the menu. */
  get line(): string {
    return this.status?.text === undefined || this.status.text === '' ? this.words() : visible(this.status.text);
  }

  get model(): string {
    return visible(this.status?.model ?? '');
  }

  get effort(): string {
    return visible(this.status?.effort ?? '');
  }

  get advice(): string {
    return visible(this.status?.advice ?? '');
  }

  get isBusy(): boolean {
    return this.jobs > 0 || this.status?.state === 'thinking';
  }

  dispose(): void {
    this.listening.dispose();
    this.item.dispose();
  }

  private render(): void {
    const words = this.words();
    const isBroken = this.connection === 'missing' || this.connection === 'failed' || this.state() === 'error';
    this.item.text = `$(${this.icon()}) ${words}`;
    this.item.tooltip = [this.line, this.model, this.advice, vscode.l10n.t('Click for the menu')].filter(Boolean).join('\n');
    this.item.accessibilityInformation = { label: words, role: 'button' };
    const colour = isBroken ? 'statusBarItem.errorBackground' : this.advice === '' ? undefined : 'statusBarItem.warningBackground';
    this.item.backgroundColor = colour === undefined ? undefined : new vscode.ThemeColor(colour);
  }

  private state(): ServerState {
    if (this.connection === 'starting') {
      return 'starting';
    }
    const said = this.status?.state ?? 'idle';
    // A job that the server has done may still wait for a person to look at its diff.
    return said === 'idle' && this.jobs > 0 && !this.isHeard ? 'thinking' : said;
  }

  private icon(): string {
    switch (this.connection) {
      case 'missing':
      case 'failed':
        return 'error';
      case 'stopped':
        return 'circle-slash';
      case 'starting':
      case 'running':
        return this.advice !== '' && this.state() === 'idle' ? 'warning' : ICONS[this.state()];
    }
  }

  private words(): string {
    switch (this.connection) {
      case 'missing':
        return vscode.l10n.t('Postil: no server');
      case 'failed':
        return vscode.l10n.t('Postil: server ended');
      case 'stopped':
        return vscode.l10n.t('Postil: stopped');
      case 'starting':
      case 'running':
        return this.stateWords();
    }
  }

  private stateWords(): string {
    switch (this.state()) {
      case 'starting':
        return vscode.l10n.t('Postil: starting');
      case 'indexing':
        return this.indexingWords();
      case 'thinking':
        return vscode.l10n.t('Postil: thinking');
      case 'idle':
        return vscode.l10n.t('Postil');
      case 'no_model':
        return vscode.l10n.t('Postil: no model');
      case 'error':
        return vscode.l10n.t('Postil: error');
    }
  }

  private indexingWords(): string {
    const { indexed = 0, total = null } = this.status ?? {};
    return total === null
      ? vscode.l10n.t('Postil: indexing {0}', indexed)
      : vscode.l10n.t('Postil: indexing {0} of {1}', indexed, total);
  }
}

interface Entry extends vscode.QuickPickItem {
  readonly command?: string;
}

/** The menu behind the status item, for the keyboard as well. */
export async function showMenu(status: StatusItem): Promise<void> {
  const stop: Entry[] = status.isBusy ? [{ label: `$(debug-stop) ${vscode.l10n.t('Stop Running Work')}`, command: 'postil.stopWork' }] : [];
  const entries: Entry[] = [
    ...stop,
    { label: `$(search) ${vscode.l10n.t('Locate Bug …')}`, command: 'postil.locate.menu' },
    { label: `$(list-tree) ${vscode.l10n.t('Show Suspects')}`, command: 'postil.suspects.focus' },
    { label: `$(output) ${vscode.l10n.t('Show Full Trace')}`, command: 'postil.showTrace' },
    { label: `$(files) ${vscode.l10n.t('Why These Files')}`, command: 'postil.showReceipt' },
    { label: `$(clear-all) ${vscode.l10n.t('Clear Findings')}`, command: 'postil.clearFindings' },
    { label: vscode.l10n.t('Settings'), kind: vscode.QuickPickItemKind.Separator },
    { label: `$(chip) ${vscode.l10n.t('Model …')}`, description: status.model, command: 'postil.chooseModel' },
    { label: `$(dashboard) ${vscode.l10n.t('Effort …')}`, description: status.effort, command: 'postil.chooseEffort' },
    { label: vscode.l10n.t('Health'), kind: vscode.QuickPickItemKind.Separator },
    { label: `$(pulse) ${vscode.l10n.t('Doctor')}`, description: status.advice, command: 'postil.showDoctor' },
    { label: `$(book) ${vscode.l10n.t('What the Model Was Asked')}`, command: 'postil.showRecord' },
    { label: `$(terminal) ${vscode.l10n.t('Server’s Log')}`, command: 'postil.showOutput' },
    { label: `$(debug-restart) ${vscode.l10n.t('Restart Server')}`, command: 'postil.restart' },
  ];
  const chosen = await vscode.window.showQuickPick(entries, { title: status.line, placeHolder: vscode.l10n.t('What shall Postil do?') });
  if (chosen?.command !== undefined) {
    await vscode.commands.executeCommand(chosen.command);
  }
}

export async function chooseEffort(): Promise<void> {
  const entries = EFFORTS.map((label) => ({ label }));
  const chosen = await vscode.window.showQuickPick(entries, { title: vscode.l10n.t('How long may the model think?') });
  if (chosen !== undefined) {
    await choose('effort', chosen.label);
  }
}

/** The names of weights are the server's; the setting takes any of them. */
export async function chooseModel(): Promise<void> {
  const other = vscode.l10n.t('Another …');
  const entries = [
    { label: MODELS[0], description: vscode.l10n.t('what fits this machine') },
    { label: MODELS[1], description: vscode.l10n.t('suspects only, no model') },
    { label: other, description: vscode.l10n.t('a name from “postil models list”, in the settings') },
  ];
  const chosen = await vscode.window.showQuickPick(entries, { title: vscode.l10n.t('Which model?') });
  if (chosen?.label === other) {
    openSetting('model');
  } else if (chosen !== undefined) {
    await choose('model', chosen.label);
  }
}
