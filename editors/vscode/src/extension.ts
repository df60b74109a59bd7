// Puts the parts together: the client, the tree, the texts, the status item, and which command calls what.

import * as vscode from 'vscode';
import type { Middleware } from 'vscode-languageclient/node';

import { ChangePreview } from './changes';
import { PostilClient } from './client';
import * as commands from './commands';
import type { Parts } from './commands';
import { codeOf } from './contract';
import { TextDocuments } from './documents';
import { ReportEditor } from './report';
import { SECTION } from './settings';
import { chooseEffort, chooseModel, showMenu, StatusItem } from './status';
import { openSuspect, SuspectsTree } from './suspects';

const CHANGE_KIND = vscode.CodeActionKind.RefactorRewrite.append('change');
/** Commands of the server that a code action runs and whose answer or edit a user is to see. */
const ACTIONS: ReadonlySet<string> = new Set([
  'postil.locate', 'postil.explain', 'postil.findBugs', 'postil.change', 'postil.fix', 'postil.fixTest', 'postil.review',
  'postil.simplify', 'postil.extractFunction', 'postil.modernise', 'postil.addTypes', 'postil.document', 'postil.writeTest',
  'postil.rename', 'postil.inline', 'postil.changeSignature', 'postil.split',
]);

let running: PostilClient | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const output = vscode.window.createOutputChannel('Postil', { log: true });
  const changes = new ChangePreview((sentence) => {
    client.tell(sentence);
  });
  const client = new PostilClient(output, middleware(changes, () => parts));
  const parts: Parts = { client, changes, tree: new SuspectsTree(), documents: new TextDocuments((uri) => commands.fetchDocument(client, uri)), report: new ReportEditor() };
  running = client;
  const status = new StatusItem(client);
  context.subscriptions.push(
    output, changes, client, parts.tree, parts.documents, parts.report, status,
    client.onSuspects((params) => {
      parts.tree.update(params);
    }),
    vscode.workspace.onDidChangeConfiguration(async (event) => {
      if (event.affectsConfiguration(`${SECTION}.server_command`)) {
        await client.restart();
      } else if (event.affectsConfiguration(SECTION)) {
        await client.sendSettings();
      }
    }),
    vscode.workspace.onDidGrantWorkspaceTrust(async () => {
      await client.notify('postil/trust', { trusted: true });
    }),
    ...registerCommands(context, parts, status, output),
  );
  await client.start();
}

export async function deactivate(): Promise<void> {
  await running?.stop();
}

function middleware(changes: ChangePreview, parts: () => Parts): Middleware {
  return {
    executeCommand: async (command, given: unknown[], next): Promise<unknown> => {
      const [argument] = given;
      if (ACTIONS.has(command) && typeof argument === 'object' && argument !== null) {
        await commands.runAction(parts(), command, argument);
        return undefined;
      }
      return await next(command, given);
    },
    provideCodeActions: async (document, range, context, token, next) => {
      const offered = await next(document, range, context, token);
      return offered?.map((action) => withDiff(action)) ?? offered;
    },
    // What runs a command has no edit to ask the server for; the editor asks for each that has none.
    resolveCodeAction: (action, token, next) => (action.command === undefined ? next(action, token) : action),
    // The client offers the server's texts by itself, too; what is shown is made safe in one place.
    provideTextDocumentContent: async (uri) => await parts().documents.provideTextDocumentContent(uri),
    handleDiagnostics: (uri, diagnostics, next) => {
      // A finding's list of suspects is the tree's; in a hover it would stand before the reasoning.
      for (const diagnostic of diagnostics.filter((one) => codeOf(one) === 'finding')) {
        diagnostic.relatedInformation = [];
      }
      next(uri, diagnostics);
    },
    workspace: {
      // Our own notification carries what somebody chose; the client's would carry all defaults as well.
      didChangeConfiguration: () => Promise.resolve(),
      configuration: (params) => params.items.map(({ section }) => (section === SECTION ? parts().client.settings : null)),
      handleApplyEdit: async (params, next) => {
        const edit = await parts().client.convert?.asWorkspaceEdit(params.edit);
        const failureReason = edit && (await changes.refusal(params.label ?? 'Postil', edit));
        if (failureReason !== undefined) {
          return { applied: false, failureReason };
        }
        return await next(params, new vscode.CancellationTokenSource().token);
      },
    },
  };
}

/** A free-text change goes through the diff instead of being resolved into an edit that lands at once. */
function withDiff(action: vscode.CodeAction | vscode.Command): vscode.CodeAction | vscode.Command {
  if (!(action instanceof vscode.CodeAction) || action.kind === undefined || !CHANGE_KIND.contains(action.kind)) {
    return action;
  }
  const { data } = action as vscode.CodeAction & { readonly data?: unknown };
  if (data === undefined) {
    return action; // it has a command, which goes through the diff anyway
  }
  const shown = new vscode.CodeAction(action.title, action.kind);
  shown.command = { title: action.title, command: 'postil.changeAsISay', arguments: [data] };
  return shown;
}

function registerCommands(context: vscode.ExtensionContext, parts: Parts, status: StatusItem, output: vscode.OutputChannel): vscode.Disposable[] {
  const handlers: Record<string, (...given: never[]) => unknown> = {
    locateFromClipboard: () => commands.locateFrom(parts, 'clipboard'),
    locateFromSelection: () => commands.locateFrom(parts, 'selection'),
    locateFromTerminal: () => commands.locateFrom(parts, 'terminal'),
    locateFromTerminalSelection: () => commands.locateFrom(parts, 'terminalSelection'),
    locateFromFile: () => commands.locateFrom(parts, 'file'),
    locateFromText: () => parts.report.open(),
    'locate.menu': () => commands.locateFromChosen(parts),
    sendReport: () => commands.sendWritten(parts),
    rerunReport: () => commands.rerun(parts),
    findBugsHere: () => commands.findBugs(parts),
    reviewChanges: () => commands.review(parts),
    explainHere: () => commands.explain(parts),
    fixHere: () => commands.fix(parts),
    fixTestFromClipboard: () => commands.fixTest(parts),
    refactorHere: () => commands.refactor(parts),
    changeAsISay: (given?: unknown) => commands.changeAsISay(parts, given),
    applyChange: () => {
      parts.changes.decide('apply');
    },
    discardChange: () => {
      parts.changes.decide('discard');
    },
    showTrace: () => commands.showDocument(parts, 'postil.trace'),
    showReceipt: () => commands.showDocument(parts, 'postil.receipt'),
    showDoctor: () => commands.showText(parts, 'postil.doctor', vscode.l10n.t('Doctor')),
    showRecord: () => commands.showText(parts, 'postil.log', vscode.l10n.t('What the model was asked')),
    clearFindings: () => commands.clearFindings(parts),
    stopWork: () => commands.stopWork(parts),
    openSuspect,
    menu: () => showMenu(status),
    chooseModel,
    chooseEffort,
    showOutput: () => {
      output.show();
    },
    stopServer: () => parts.client.stop(),
    restart: () => parts.client.restart(),
    openWalkthrough: () =>
      vscode.commands.executeCommand('workbench.action.openWalkthrough', `${context.extension.id}#firstSteps`, false),
  };
  return Object.entries(handlers).map(([name, handler]) => vscode.commands.registerCommand(`${SECTION}.${name}`, handler));
}
