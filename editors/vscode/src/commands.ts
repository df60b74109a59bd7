// The palette's commands: each gathers what a job needs, runs it, and shows what came of it.

import * as vscode from 'vscode';

import type { ChangePreview } from './changes';
import { tooOld, type PostilClient } from './client';
import { codeOf, goTo, readDocument, visible, type Changed, type Finding, type Located, type TextDocument } from './contract';
import type { TextDocuments } from './documents';
import { readReport, type ReportEditor, type Source } from './report';
import type { SuspectsTree } from './suspects';

/** What commands work with. */
export interface Parts {
  readonly client: PostilClient;
  readonly tree: SuspectsTree;
  readonly documents: TextDocuments;
  readonly report: ReportEditor;
  readonly changes: ChangePreview;
}

interface Target {
  readonly uri: string;
  readonly version: number;
  readonly first_line: number;
  readonly last_line: number;
}

/** A job that changes code: its command, how it reads in a list, and what it must be told. */
interface Refactoring {
  readonly command: string;
  readonly label: string;
  readonly at: 'lines' | 'position';
  readonly detail?: string;
}

function refactorings(): Refactoring[] {
  return [
    { command: 'postil.simplify', label: vscode.l10n.t('Simplify'), at: 'lines' },
    { command: 'postil.extractFunction', label: vscode.l10n.t('Extract Function'), at: 'lines' },
    { command: 'postil.rename', label: vscode.l10n.t('Rename, as the Model Proposes'), at: 'position' },
    { command: 'postil.inline', label: vscode.l10n.t('Inline'), at: 'position' },
    {
      command: 'postil.changeSignature',
      label: vscode.l10n.t('Change Signature …'),
      at: 'position',
      detail: vscode.l10n.t('In words, or: add name=default, remove name, reorder a, b'),
    },
    { command: 'postil.split', label: vscode.l10n.t('Split a Long Function or File'), at: 'lines' },
    { command: 'postil.modernise', label: vscode.l10n.t('Modernise'), at: 'lines' },
    { command: 'postil.addTypes', label: vscode.l10n.t('Add Types'), at: 'lines' },
    { command: 'postil.document', label: vscode.l10n.t('Document'), at: 'lines' },
    { command: 'postil.writeTest', label: vscode.l10n.t('Write a Test'), at: 'lines' },
  ];
}

export async function locateFrom(parts: Parts, source: Source): Promise<void> {
  const report = await readReport(source);
  if (report !== undefined) {
    await locate(parts, report);
  }
}

/** Which report, for the menu. */
export async function locateFromChosen(parts: Parts): Promise<void> {
  const sources: (vscode.QuickPickItem & { source: Source | 'text' })[] = [
    { label: `$(clippy) ${vscode.l10n.t('Clipboard')}`, source: 'clipboard' },
    { label: `$(selection) ${vscode.l10n.t('Selection')}`, source: 'selection' },
    { label: `$(terminal) ${vscode.l10n.t('Terminal')}`, source: 'terminal' },
    { label: `$(file) ${vscode.l10n.t('File …')}`, source: 'file' },
    { label: `$(edit) ${vscode.l10n.t('Text …')}`, source: 'text' },
  ];
  const chosen = await vscode.window.showQuickPick(sources, { title: vscode.l10n.t('Where is the bug report?') });
  if (chosen?.source === 'text') {
    await parts.report.open();
  } else if (chosen !== undefined) {
    await locateFrom(parts, chosen.source);
  }
}

export async function sendWritten(parts: Parts): Promise<void> {
  const report = await parts.report.take();
  if (report !== undefined) {
    await locate(parts, report);
  }
}

async function locate(parts: Parts, report: string): Promise<void> {
  const uri = activeFile();
  parts.tree.begin(report);
  await showLocated(parts, 'postil.locate', uri === undefined ? { report } : { report, uri });
}

export async function rerun(parts: Parts): Promise<void> {
  await showLocated(parts, 'postil.rerun', {});
}

async function showLocated(parts: Parts, command: string, argument: object): Promise<void> {
  // The first answer takes the keyboard; by the time of a later one a person is somewhere else.
  let isFirst = true;
  const focus = async (): Promise<void> => {
    if (isFirst) {
      isFirst = false;
      await parts.tree.focus();
    }
  };
  const focused = parts.client.onSuspects(() => void focus());
  try {
    const located = await parts.client.run<Located>({ command, argument, title: vscode.l10n.t('Postil: locating the bug') });
    if (located === undefined) {
      parts.tree.fail();
      return;
    }
    parts.tree.end(located);
    await focus();
  } finally {
    focused.dispose();
  }
}

/** What a code action asks for, with what its command alone would not show. */
export async function runAction(parts: Parts, command: string, argument: object): Promise<void> {
  switch (command) {
    case 'postil.locate':
      await showLocated(parts, command, argument);
      break;
    case 'postil.explain':
      await explain(parts, argument);
      break;
    case 'postil.findBugs':
      await findBugs(parts, argument);
      break;
    case 'postil.change':
      await changeAsISay(parts, argument);
      break;
    case 'postil.fixTest':
      await fixTest(parts, argument);
      break;
    case 'postil.review':
      await review(parts, argument);
      break;
    default:
      await change(parts.client, command, argument, vscode.l10n.t('Postil: working'));
  }
}

export async function findBugs({ client }: Parts, given?: object): Promise<void> {
  const target = given ?? here(vscode.l10n.t('Open the file that you want read.'));
  if (target === undefined) {
    return;
  }
  const title = vscode.l10n.t('Postil: looking for a bug');
  const answer = await client.run<{ finding: Finding | null; reason: string }>({ command: 'postil.findBugs', argument: target, title });
  if (answer?.finding) {
    await goTo(answer.finding.uri, answer.finding.start_line, answer.finding.end_line);
  } else if (answer !== undefined) {
    void vscode.window.showInformationMessage(vscode.l10n.t('Postil saw no bug there: {0}', visible(answer.reason)));
  }
}

/** Read what changed: in the folder that the user is in, or where a code action says. */
export async function review({ client }: Parts, given?: object): Promise<void> {
  const uri = activeFolder();
  const title = vscode.l10n.t('Postil: reading your changes');
  const argument = given ?? (uri === undefined ? {} : { uri });
  const answer = await client.run<{ findings: readonly Finding[]; hunks: number; reason: string }>({ command: 'postil.review', argument, title });
  if (answer === undefined) {
    return;
  }
  if (answer.findings.length > 0) {
    await vscode.commands.executeCommand('workbench.actions.view.problems');
  } else if (answer.hunks === 0) {
    void vscode.window.showInformationMessage(`Postil: ${visible(answer.reason)}`);
  } else {
    const said = vscode.l10n.t('Postil saw no bug in {0} changed places. {1}', answer.hunks, visible(answer.reason));
    void vscode.window.showInformationMessage(said);
  }
}

export async function explain({ client, documents }: Parts, given?: object): Promise<void> {
  const target = given ?? here(vscode.l10n.t('Select the lines that you want explained.'));
  if (target === undefined) {
    return;
  }
  const answer = await client.run<{ text: string }>({ command: 'postil.explain', argument: target, title: vscode.l10n.t('Postil: explaining') });
  if (answer !== undefined) {
    await documents.showText(vscode.l10n.t('Explanation'), answer.text);
  }
}

/** Fix what a diagnostic at the cursor says, or what the user says where there is none. */
export async function fix({ client }: Parts): Promise<void> {
  const target = here(vscode.l10n.t('Put the cursor on the lines to fix.'));
  if (target === undefined) {
    return;
  }
  const detail = diagnosticHere() ?? (await askFor(vscode.l10n.t('What is wrong in these lines?')));
  if (detail !== undefined) {
    await change(client, 'postil.fix', { ...target, detail }, vscode.l10n.t('Postil: fixing'));
  }
}

/** A fix of what a failing test is about. Its diff is shown: the user may not have that file open. */
export async function fixTest(parts: Parts, given?: object): Promise<void> {
  const argument = given ?? (await failedTest());
  if (argument !== undefined) {
    await changeWithDiff(parts, 'postil.fixTest', argument, vscode.l10n.t('Postil: fixing what the test shows'));
  }
}

async function failedTest(): Promise<object | undefined> {
  const report = await readReport('clipboard');
  const uri = activeFile();
  return report === undefined ? undefined : { report, ...(uri === undefined ? {} : { uri }) };
}

export async function refactor({ client }: Parts): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const target = here(vscode.l10n.t('Open the file that you want to change.'));
  if (editor === undefined || target === undefined) {
    return;
  }
  const offered = refactorings().filter(({ command }) => client.offers(command));
  const chosen = await vscode.window.showQuickPick(offered, { title: vscode.l10n.t('Which refactoring?') });
  if (chosen === undefined) {
    return;
  }
  const detail = chosen.detail === undefined ? undefined : await askFor(chosen.detail);
  if (chosen.detail !== undefined && detail === undefined) {
    return;
  }
  const { line, character } = editor.selection.active;
  const place = chosen.at === 'lines' ? target : { uri: target.uri, version: target.version, line, character };
  await change(client, chosen.command, detail === undefined ? place : { ...place, detail }, `Postil: ${chosen.label}`);
}

/** A change in the user's words; its diff is shown before it lands. `given`: what a code action carries. */
export async function changeAsISay(parts: Parts, given?: unknown): Promise<void> {
  const carried = isTarget(given) ? given : undefined;
  const target = carried ?? here(vscode.l10n.t('Select the lines that you want changed.'));
  if (target === undefined) {
    return;
  }
  const detail = carried?.detail ?? (await askFor(vscode.l10n.t('What is to be changed?')));
  if (detail === undefined) {
    return;
  }
  await changeWithDiff(parts, 'postil.change', { ...target, detail }, vscode.l10n.t('Postil: changing as you say'));
}

async function changeWithDiff({ client, changes }: Parts, command: string, argument: object, title: string): Promise<void> {
  const expected = changes.expect();
  try {
    await change(client, command, argument, title);
  } finally {
    expected.dispose();
  }
}

async function change(client: PostilClient, command: string, argument: object, title: string): Promise<void> {
  const changed = await client.run<Changed>({ command, argument, title });
  if (changed !== undefined) {
    const files = changed.files === 1 ? vscode.l10n.t('one file') : vscode.l10n.t('{0} files', changed.files);
    const title = visible(changed.title).replace(/^Postil: /u, ''); // an exact refactoring's begins so
    vscode.window.setStatusBarMessage(vscode.l10n.t('Postil: {0} ({1})', title, files), 8_000);
  }
}

/** The trace or the receipt at the cursor, else the newest. */
export async function showDocument({ client, documents }: Parts, command: 'postil.trace' | 'postil.receipt'): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const uri = activeFile();
  const argument = editor !== undefined && uri !== undefined ? { uri, line: editor.selection.active.line + 1 } : {};
  const answer = await client.askRunning<unknown>(command, argument);
  const document = readDocument(answer);
  if (document !== undefined) {
    await documents.show(document);
  } else if (answer === null) {
    void vscode.window.showInformationMessage(vscode.l10n.t('There is no reasoning yet: locate a bug, or ask for an explanation or a fix.'));
  } else if (answer !== undefined) {
    tooOld(command);
  }
}

/** A text by the URI that a finding's code leads to; undefined where the server does not know it. */
export async function fetchDocument(client: PostilClient, uri: vscode.Uri): Promise<TextDocument | undefined> {
  const command = { 'postil-trace': 'postil.trace', 'postil-receipt': 'postil.receipt' }[uri.scheme];
  const id = /^\/([^/.]+)(?:\.txt|\/[^/]*)$/.exec(uri.path)?.[1];
  return command === undefined || id === undefined ? undefined : readDocument(await client.askRunning<unknown>(command, { id }));
}

/** A text of the server for a person: `postil.doctor`, `postil.log`. */
export async function showText({ client, documents }: Parts, command: string, name: string): Promise<void> {
  const answer = await client.ask<{ text: string }>(command);
  if (answer !== undefined) {
    await documents.showText(name, answer.text);
  }
}

export async function clearFindings({ client, tree }: Parts): Promise<void> {
  await client.askRunning('postil.clear');
  tree.clear();
}

export async function stopWork({ client }: Parts): Promise<void> {
  const answer = await client.askRunning<{ stopped: number }>('postil.stop');
  if (answer !== undefined) {
    vscode.window.setStatusBarMessage(vscode.l10n.t('Postil: {0} stopped', answer?.stopped ?? 0), 4_000);
  }
}

/** The selected lines, or the cursor's; undefined after having said what to do. */
function here(otherwise: string): Target | undefined {
  const editor = vscode.window.activeTextEditor;
  if (editor?.document.uri.scheme !== 'file') {
    void vscode.window.showWarningMessage(otherwise);
    return undefined;
  }
  const { start, end } = editor.selection;
  const lastLine = end.character === 0 && end.line > start.line ? end.line : end.line + 1;
  const { uri, version } = editor.document;
  return { uri: uri.toString(), version, first_line: start.line + 1, last_line: lastLine };
}

function activeFile(): string | undefined {
  const uri = vscode.window.activeTextEditor?.document.uri;
  return uri?.scheme === 'file' && vscode.workspace.getWorkspaceFolder(uri) !== undefined ? uri.toString() : undefined;
}

function activeFolder(): string | undefined {
  const uri = vscode.window.activeTextEditor?.document.uri;
  const mine = uri === undefined ? undefined : vscode.workspace.getWorkspaceFolder(uri);
  return (mine ?? vscode.workspace.workspaceFolders?.[0])?.uri.toString();
}

function diagnosticHere(): string | undefined {
  const editor = vscode.window.activeTextEditor;
  if (editor === undefined) {
    return undefined;
  }
  const around = vscode.languages.getDiagnostics(editor.document.uri).filter(({ range }) => range.intersection(editor.selection) !== undefined);
  return around.find((diagnostic) => diagnostic.source !== 'postil' || codeOf(diagnostic) !== 'suspect')?.message;
}

async function askFor(prompt: string): Promise<string | undefined> {
  const answer = await vscode.window.showInputBox({ prompt, ignoreFocusOut: true });
  return answer?.trim() === '' ? undefined : answer;
}

function isTarget(given: unknown): given is Target & { readonly detail: string } {
  const target = given as Partial<Target & { detail: string }> | undefined;
  return typeof target?.uri === 'string' && typeof target.version === 'number'
    && typeof target.first_line === 'number' && typeof target.last_line === 'number' && typeof target.detail === 'string';
}
