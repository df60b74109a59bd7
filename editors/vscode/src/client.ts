// The connection to the server: started, started again with pauses, stopped; and jobs with progress and cancel.
//
// It shows nothing but errors and progress; what an answer means is for its caller. Errors of the server are one
// sentence each and are shown as they are.

import { randomUUID } from 'node:crypto';

import * as vscode from 'vscode';
import {
  CloseAction,
  ErrorAction,
  ErrorCodes,
  ExecuteCommandRequest,
  LanguageClient,
  LSPErrorCodes,
  ResponseError,
  State,
  WorkDoneProgress,
  WorkDoneProgressCancelNotification,
  type CloseHandlerResult,
  type LanguageClientOptions,
  type Middleware,
  type StaticFeature,
  type WorkDoneProgressBegin,
  type WorkDoneProgressEnd,
  type WorkDoneProgressReport,
} from 'vscode-languageclient/node';

import { readStatus, visible, type Status, type SuspectsParams } from './contract';
import { plainSentences } from './sentences';
import { findServer, ServerNotFound, type ServerCommand } from './server';
import { chosenSettings, openSetting, SECTION } from './settings';

const MAX_STARTS = 3; // again, in the window below; a fourth would only repeat the failure
const WINDOW_MS = 180_000;
const FIRST_PAUSE_MS = 500; // doubled each time
const STARTING_MS = 3_000; // what a server that is starting has to become one that can be stopped; a guess

/** How the connection stands, for the status item. */
export type Connection = 'stopped' | 'starting' | 'running' | 'missing' | 'failed';

/** What a job works on beside the editor: its title while it runs. */
export interface Job {
  readonly command: string;
  readonly argument: object;
  readonly title: string;
}

export class PostilClient implements vscode.Disposable {
  private client: LanguageClient | undefined;
  private turn: Promise<void> = Promise.resolve();
  private closedAt: number[] = [];
  private readonly connection = new vscode.EventEmitter<Connection>();
  private readonly status = new vscode.EventEmitter<Status>();
  private readonly suspects = new vscode.EventEmitter<SuspectsParams>();
  private readonly jobs = new vscode.EventEmitter<number>();
  private runningJobs = 0;
  private newestJob: vscode.Progress<{ message?: string }> | undefined;

  readonly onConnection = this.connection.event;
  readonly onStatus = this.status.event;
  readonly onSuspects = this.suspects.event;
  /** How many jobs of this window run. */
  readonly onJobs = this.jobs.event;

  constructor(
    private readonly output: vscode.LogOutputChannel,
    private readonly middleware: Middleware,
  ) {}

  /** Start the server unless it runs or is about to; says what to do when there is none. */
  async start(): Promise<void> {
    await this.inTurn(async () => {
      if (!isAlive(this.client)) {
        await this.end();
        this.launch();
      }
    });
    await this.running();
  }

  async restart(): Promise<void> {
    await this.inTurn(async () => {
      await this.end();
      this.closedAt = [];
      this.launch();
    });
    await this.running();
  }

  async stop(): Promise<void> {
    await this.inTurn(() => this.end());
  }

  /** One after the other: two restarts at once would leave a server that nobody stops. */
  private async inTurn(step: () => Promise<void>): Promise<void> {
    const turn = this.turn.then(step);
    this.turn = turn.catch(() => undefined);
    await turn;
  }

  private launch(): void {
    let command: ServerCommand;
    try {
      command = findServer();
    } catch (error) {
      if (!(error instanceof ServerNotFound)) {
        throw error;
      }
      this.connection.fire('missing');
      this.output.warn(error.message);
      void offerSetting(error.message);
      return;
    }
    this.connection.fire('starting');
    this.output.info(`starting ${[command.program, ...command.arguments].join(' ')}`);
    const client = this.create(command);
    this.client = client;
    client.start().catch((error: unknown) => {
      if (this.client === client) {
        this.output.error(error instanceof Error ? error : String(error));
        this.connection.fire('failed');
        void offerLog(vscode.l10n.t('Postil’s server could not start; the log says why.'), this.output);
      }
    });
  }

  private async end(): Promise<void> {
    const { client } = this;
    this.client = undefined;
    if (client?.state === State.Starting) {
      // It cannot be stopped before it runs; one that never does is killed.
      await Promise.race([settled(client.start()), pause(STARTING_MS)]);
    }
    if (client?.needsStop() === true) {
      await client.stop().catch((error: unknown) => {
        this.output.warn(`the server did not stop cleanly: ${String(error)}`);
      });
    }
    await client?.dispose().catch(() => undefined); // a client that never started has nothing to give back
    this.connection.fire('stopped');
  }

  /** The connection once it has started; undefined where none runs. */
  private async running(): Promise<LanguageClient | undefined> {
    while (this.client?.state === State.Starting) {
      await settled(this.client.start());
    }
    return this.client?.state === State.Running ? this.client : undefined;
  }

  /** The running connection, started for this if need be; undefined after having said why there is none. */
  private async ready(): Promise<LanguageClient | undefined> {
    await this.start();
    return await this.running();
  }

  /** True when the server offers a command. */
  offers(command: string): boolean {
    const offered = this.client?.initializeResult?.capabilities.executeCommandProvider?.commands ?? [];
    return offered.includes(command);
  }

  /** Run a job with progress and a cancel button. Undefined when it was cancelled or failed, after having said so. */
  async run<T>(job: Job): Promise<T | undefined> {
    const client = await this.ready();
    if (client === undefined || !this.isOffered(job.command)) {
      return undefined;
    }
    this.countJobs(1);
    try {
      return await vscode.window.withProgress<T | undefined>(
        { location: vscode.ProgressLocation.Notification, title: job.title, cancellable: true },
        (progress, cancelled) => this.request<T>(client, job, progress, cancelled),
      );
    } finally {
      this.countJobs(-1);
    }
  }

  /** Ask for something that takes no time. Undefined when it failed, after having said so. */
  async ask<T>(command: string, argument: object = {}): Promise<T | undefined> {
    return await this.askOf<T>(await this.ready(), command, argument);
  }

  /** As `ask`, of what a server has while it runs: null where none does, and none is started for it. */
  async askRunning<T>(command: string, argument: object = {}): Promise<T | null | undefined> {
    const client = await this.running();
    return client === undefined ? null : await this.askOf<T>(client, command, argument);
  }

  private async askOf<T>(client: LanguageClient | undefined, command: string, argument: object): Promise<T | undefined> {
    if (client === undefined || !this.isOffered(command)) {
      return undefined;
    }
    try {
      return (await client.sendRequest(ExecuteCommandRequest.type, { command, arguments: [argument] })) as T;
    } catch (error) {
      this.showError(error);
      return undefined;
    }
  }

  /** Put a sentence where the newest job shows its progress. */
  tell(message: string): void {
    this.newestJob?.report({ message });
  }

  /** The edit of a protocol answer in the editor's own terms. */
  get convert(): LanguageClient['protocol2CodeConverter'] | undefined {
    return this.client?.protocol2CodeConverter;
  }

  /** What the server is to know of the settings. */
  get settings(): Record<string, unknown> {
    return chosenSettings();
  }

  /** Tell the server what a user has just chosen. */
  async sendSettings(): Promise<void> {
    await this.notify('workspace/didChangeConfiguration', { settings: { [SECTION]: chosenSettings() } });
  }

  async notify(method: string, params: object): Promise<void> {
    if (this.client?.state === State.Running) {
      await this.client.sendNotification(method, params);
    }
  }

  dispose(): void {
    for (const emitter of [this.connection, this.status, this.suspects, this.jobs]) {
      emitter.dispose();
    }
  }

  private async request<T>(
    client: LanguageClient,
    job: Job,
    progress: vscode.Progress<{ message?: string }>,
    cancelled: vscode.CancellationToken,
  ): Promise<T | undefined> {
    const token = randomUUID();
    this.newestJob = progress;
    const reports = client.onProgress(WorkDoneProgress.type, token, (value: WorkDoneProgressBegin | WorkDoneProgressReport | WorkDoneProgressEnd) => {
      if (value.message !== undefined) {
        progress.report({ message: value.message });
      }
    });
    const cancel = cancelled.onCancellationRequested(() => {
      void client.sendNotification(WorkDoneProgressCancelNotification.type, { token });
    });
    try {
      const params = { command: job.command, arguments: [job.argument], workDoneToken: token };
      return (await client.sendRequest(ExecuteCommandRequest.type, params, cancelled)) as T;
    } catch (error) {
      this.showError(error);
      return undefined;
    } finally {
      reports.dispose();
      cancel.dispose();
    }
  }

  private isOffered(command: string): boolean {
    if (this.offers(command)) {
      return true;
    }
    tooOld(command);
    return false;
  }

  private showError(error: unknown): void {
    const isCancel = error instanceof vscode.CancellationError
      || (error instanceof ResponseError && error.code === LSPErrorCodes.RequestCancelled);
    if (!isCancel) {
      const sentence = isLost(error)
        ? vscode.l10n.t('the server has ended while it worked; ask again once it is back')
        : visible(error instanceof Error ? error.message : String(error));
      this.output.warn(sentence);
      void vscode.window.showErrorMessage(`Postil: ${sentence}`);
    }
  }

  private countJobs(by: number): void {
    this.runningJobs += by;
    this.jobs.fire(this.runningJobs);
  }

  private create(command: ServerCommand): LanguageClient {
    const options: LanguageClientOptions = {
      documentSelector: [{ scheme: 'file' }],
      outputChannel: this.output,
      initializationOptions: () => ({ ...chosenSettings(), trusted: vscode.workspace.isTrusted }),
      middleware: this.middleware,
      errorHandler: {
        error: () => ({ action: ErrorAction.Continue, handled: true }),
        closed: () => this.closed(client),
      },
      connectionOptions: { messageStrategy: plainSentences },
      // A hover is Markdown that the server puts together; no link in it may run a command, no HTML is shown.
      markdown: { isTrusted: false, supportHtml: false },
    };
    const run = { command: command.program, args: [...command.arguments] };
    const client: LanguageClient = new LanguageClient(SECTION, 'Postil', run, options);
    client.registerFeature(announcement());
    client.onDidChangeState(({ newState }) => {
      if (client !== this.client) {
        return; // it is being stopped
      }
      if (newState === State.Running) {
        this.connection.fire('running');
      } else if (newState === State.Starting) {
        this.connection.fire('starting');
      }
    });
    client.onNotification('postil/status', (params: unknown) => {
      this.status.fire(readStatus(params));
    });
    client.onNotification('postil/suspects', (params: SuspectsParams) => {
      this.suspects.fire(params);
    });
    return client;
  }

  /** The server ended by itself: again after a pause, but not a fourth time within the window. */
  private async closed(client: LanguageClient): Promise<CloseHandlerResult> {
    if (this.client !== client) {
      return { action: CloseAction.DoNotRestart, handled: true }; // it was to end
    }
    const now = Date.now();
    this.closedAt = [...this.closedAt.filter((at) => now - at < WINDOW_MS), now];
    if (this.closedAt.length > MAX_STARTS) {
      this.connection.fire('failed');
      const sentence = vscode.l10n.t('Postil’s server has ended {0} times within three minutes and is not started again; its log may say why.', this.closedAt.length);
      void this.offerRestart(sentence);
      return { action: CloseAction.DoNotRestart, message: sentence, handled: true };
    }
    const pauseMs = FIRST_PAUSE_MS * 2 ** (this.closedAt.length - 1);
    this.connection.fire('starting');
    this.output.warn(`the server has ended; it is started again in ${pauseMs} ms`);
    await pause(pauseMs);
    return this.client === client
      ? { action: CloseAction.Restart, handled: true }
      : { action: CloseAction.DoNotRestart, handled: true }; // stopped or restarted by the user meanwhile
  }

  private async offerRestart(sentence: string): Promise<void> {
    const restart = vscode.l10n.t('Start Again');
    const log = vscode.l10n.t('Show Log');
    const chosen = await vscode.window.showErrorMessage(sentence, restart, log);
    if (chosen === restart) {
      await this.restart();
    } else if (chosen === log) {
      this.output.show();
    }
  }
}

function isAlive(client: LanguageClient | undefined): boolean {
  return client?.state === State.Running || client?.state === State.Starting;
}

/** Wait for an end, whichever: what has failed is said elsewhere. */
async function settled(promise: Promise<void>): Promise<void> {
  await promise.catch(() => undefined);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Tells the server which of its own notifications are understood here. */
function announcement(): StaticFeature {
  return {
    fillClientCapabilities: (capabilities) => {
      const given = (capabilities.experimental ?? {}) as object;
      capabilities.experimental = { ...given, postil: { status: true, suspects: true } };
    },
    initialize: () => undefined,
    getState: () => ({ kind: 'static' }),
    clear: () => undefined,
  };
}

/** True when a request was not answered because the server is gone. */
function isLost(error: unknown): boolean {
  const lost: readonly number[] = [ErrorCodes.PendingResponseRejected, ErrorCodes.ConnectionInactive];
  return error instanceof ResponseError && lost.includes(error.code);
}

/** Say that the server does not know a command, or not as this extension does. */
export function tooOld(command: string): void {
  void vscode.window.showWarningMessage(
    vscode.l10n.t('This server does not know {0}; install a server of the extension’s version.', command),
  );
}

async function offerSetting(sentence: string): Promise<void> {
  const open = vscode.l10n.t('Open Setting');
  const how = vscode.l10n.t('First Steps');
  const chosen = await vscode.window.showWarningMessage(sentence, open, how);
  if (chosen === open) {
    openSetting('server_command');
  } else if (chosen === how) {
    await vscode.commands.executeCommand('postil.openWalkthrough');
  }
}

async function offerLog(sentence: string, output: vscode.OutputChannel): Promise<void> {
  const log = vscode.l10n.t('Show Log');
  if ((await vscode.window.showErrorMessage(sentence, log)) === log) {
    output.show();
  }
}
