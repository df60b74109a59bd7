// What the extension uses of the editor, as far as the tests need it. `editor` says what was shown and done.
export const editor = {
  shown: [], // messages, in order
  commands: [], // those that were run, with their arguments
  documents: new Map(), // by URI
  folders: [],
  settings: {},
  closed: [], // listeners for tabs
  reset() {
    Object.assign(editor, { shown: [], commands: [], folders: [], settings: {} });
    editor.documents.clear();
    window.activeTextEditor = undefined;
  },
};

export class EventEmitter {
  listeners = new Set();
  event = (listener) => {
    this.listeners.add(listener);
    return new Disposable(() => this.listeners.delete(listener));
  };
  fire(value) {
    for (const listener of [...this.listeners]) {
      listener(value);
    }
  }
  dispose() {
    this.listeners.clear();
  }
}

export class Disposable {
  constructor(dispose) {
    this.dispose = dispose;
  }
  static from(...all) {
    return new Disposable(() => all.forEach((one) => one.dispose()));
  }
}

export class Uri {
  constructor(text) {
    this.text = text;
    this.scheme = text.slice(0, text.indexOf(':'));
    this.path = text.replace(/^[^:]*:(\/\/)?/, '');
  }
  static parse(text) {
    return new Uri(text);
  }
  static from({ scheme, path }) {
    return new Uri(`${scheme}:${path}`);
  }
  with({ scheme = this.scheme, query = '' }) {
    return new Uri(`${scheme}:${this.path}${query === '' ? '' : `?${query}`}`);
  }
  toString() {
    return this.text;
  }
}

export class CancellationError extends Error {}
export class TabInputTextDiff {
  constructor(original, modified) {
    Object.assign(this, { original, modified });
  }
}
export class TabInputText {}
export class TreeItem {}
export class ThemeIcon {}
export class ThemeColor {}
export const TreeItemCollapsibleState = {};
export const ProgressLocation = { Notification: 15 };
export const ViewColumn = {};
export const l10n = { t: (text, ...values) => text.replace(/\{(\d)\}/g, (_, index) => values[index]) };
export const env = {};
export const languages = { getDiagnostics: () => [] };

export const commands = {
  executeCommand: async (...given) => {
    editor.commands.push(given);
  },
};

const show = async (message) => {
  editor.shown.push(message);
};
const nothing = () => new Disposable(() => undefined);

export const window = {
  activeTextEditor: undefined,
  showErrorMessage: show,
  showWarningMessage: show,
  showInformationMessage: show,
  setStatusBarMessage: show,
  withProgress: (_, task) => task({ report: ({ message }) => editor.shown.push(message) }, { onCancellationRequested: nothing }),
  createTreeView: () => ({ reveal: async (row) => editor.commands.push(['reveal', row]), dispose() {} }),
  tabGroups: {
    all: [],
    onDidChangeTabs: (listener) => {
      editor.closed.push(listener);
      return nothing();
    },
    close: async () => undefined,
  },
};

export const workspace = {
  isTrusted: true,
  getConfiguration: (section) => ({
    get: (name, otherwise) => (section === undefined ? otherwise : editor.settings[name]),
    inspect: () => undefined,
  }),
  registerTextDocumentContentProvider: nothing,
  registerFileSystemProvider: nothing,
  openTextDocument: async (uri) => editor.documents.get(uri.toString()),
  asRelativePath: (uri) => uri.path.slice(uri.path.lastIndexOf('/') + 1),
  getWorkspaceFolder: (uri) => editor.folders.find((folder) => uri.path.startsWith(`${folder.uri.path}/`)),
  get workspaceFolders() {
    return editor.folders;
  },
};
