// A connection to servers that are only counted, by the rules of the real client: it cannot be stopped while it
// starts, and not be started once it is disposed of. `servers` says what runs and decides what starts.
export { ErrorCodes, Message, ResponseError } from 'vscode-jsonrpc/node';

export const State = { Stopped: 1, Running: 2, Starting: 3, StartFailed: 4 };
export const CloseAction = { DoNotRestart: 1, Restart: 2 };
export const ErrorAction = { Continue: 1 };
export const LSPErrorCodes = { RequestCancelled: -32800 };
export const ExecuteCommandRequest = { type: 'workspace/executeCommand' };
export const WorkDoneProgress = { type: '$/progress' };
export const WorkDoneProgressCancelNotification = { type: 'window/workDoneProgress/cancel' };

export const servers = {
  clients: [],
  living: new Set(),
  answers: {}, // by command
  asked: [],
  start: async () => undefined, // replaced by what fails, or takes its time
  reset() {
    Object.assign(servers, { clients: [], answers: {}, asked: [], start: async () => undefined });
    servers.living.clear();
  },
};

export class LanguageClient {
  state = State.Stopped;
  listeners = new Map();
  isDisposed = false;

  constructor(_id, _name, _run, options) {
    this.options = options;
    servers.clients.push(this);
  }
  registerFeature() {}
  onDidChangeState() {}
  onNotification(method, listener) {
    this.listeners.set(method, listener);
  }
  onProgress() {
    return { dispose() {} };
  }
  start() {
    if (this.isDisposed) {
      return Promise.reject(new Error("Client got disposed and can't be restarted."));
    }
    this.starting ??= this.begin();
    return this.starting;
  }
  async begin() {
    this.state = State.Starting;
    servers.living.add(this);
    try {
      await Promise.race([servers.start(), new Promise((_, reject) => (this.kill = reject))]);
      this.state = State.Running;
    } catch (error) {
      this.state = State.StartFailed;
      servers.living.delete(this);
      throw error;
    }
  }
  needsStop() {
    return this.state === State.Running || this.state === State.Starting;
  }
  async stop() {
    if (this.state === State.Starting) {
      this.kill(new Error('Pending response rejected since connection got disposed'));
      throw new Error("Client is not running and can't be stopped.");
    }
    this.state = State.Stopped;
    servers.living.delete(this);
  }
  async dispose() {
    this.isDisposed = true;
  }
  /** The server ends by itself; gives what is to become of it. */
  async crash() {
    servers.living.delete(this);
    const answer = await this.options.errorHandler.closed();
    if (answer.action === CloseAction.DoNotRestart) {
      this.state = State.Stopped;
    }
    return answer;
  }
  get initializeResult() {
    return { capabilities: { executeCommandProvider: { commands: Object.keys(servers.answers) } } };
  }
  async sendRequest(_type, { command, arguments: given }) {
    servers.asked.push([command, ...given]);
    return await servers.answers[command](...given);
  }
  async sendNotification() {}
}
