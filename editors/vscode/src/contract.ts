// What the server and the editor say to each other beside the protocol proper, and how far it is believed.
//
// Answers come from our own server, but words in them come from a workspace and a model: texts are shown with
// control characters written out and without links, and a place is followed only when it is a file. Nothing here
// talks to anyone.

import * as vscode from 'vscode';

/** Why a place is suspected: which signal, and its reason in words. */
export interface Evidence {
  readonly signal: string;
  readonly detail: string;
}

/** A place that a report points to. Lines are 1-based and inclusive. */
export interface Suspect {
  readonly uri: string;
  readonly path: string;
  readonly symbol: string | null;
  readonly start_line: number;
  readonly end_line: number;
  readonly score: number;
  readonly evidence: readonly Evidence[];
}

/** What a model found. `supported`: how many of the places that its reasoning names were shown to it. */
export interface Finding {
  readonly id?: string;
  readonly uri: string;
  readonly path: string;
  readonly symbol: string | null;
  readonly start_line: number;
  readonly end_line: number;
  readonly cause: string;
  readonly confidence?: number;
  readonly supported?: { readonly shown: number; readonly total: number };
}

/** Answer of `postil.locate` and `postil.rerun`. */
export interface Located {
  readonly run?: string | number;
  readonly elapsed_s: number;
  readonly suspects: readonly Suspect[];
  readonly finding: Finding | null;
  readonly without_model: string;
}

/** Notification `postil/suspects`: first without a model, then with its order and finding. */
export interface SuspectsParams {
  readonly run: string | number;
  readonly report_head: string;
  readonly suspects: readonly Suspect[];
  readonly is_final: boolean;
  readonly finding: Finding | null;
}

export type ServerState = 'starting' | 'indexing' | 'thinking' | 'idle' | 'no_model' | 'error';

/** Notification `postil/status` and answer of `postil.status`. */
export interface Status {
  readonly state: ServerState;
  readonly text: string;
  readonly indexed: number;
  readonly total: number | null;
  readonly model: string;
  readonly loaded: boolean;
  readonly effort: string;
  readonly endpoints: readonly string[];
  readonly device: string;
  readonly advice: string;
}

interface WirePosition {
  readonly line: number;
  readonly character: number;
}

interface WireRange {
  readonly start: WirePosition;
  readonly end: WirePosition;
}

/** A read-only text with the places it refers to. */
export interface TextDocument {
  readonly uri: string;
  readonly title: string;
  readonly text: string;
  readonly references: readonly { readonly range: WireRange; readonly target: { readonly uri: string; readonly range: WireRange } }[];
}

/** Answer of the commands that change code. */
export interface Changed {
  readonly title: string;
  readonly files: number;
}

const STATES: readonly ServerState[] = ['starting', 'indexing', 'thinking', 'idle', 'no_model', 'error'];

/** A status as the server sent it; what an older server leaves out has a harmless value. */
export function readStatus(raw: unknown): Status {
  const given = (typeof raw === 'object' && raw !== null ? raw : {}) as Partial<Status>;
  return {
    state: STATES.find((state) => state === given.state) ?? 'idle',
    text: given.text ?? '',
    indexed: given.indexed ?? 0,
    total: given.total ?? null,
    model: given.model ?? '',
    loaded: given.loaded ?? false,
    effort: given.effort ?? '',
    endpoints: given.endpoints ?? [],
    device: given.device ?? '',
    advice: given.advice ?? '',
  };
}

/** A text as the server sent it; undefined for what an older server answers. */
export function readDocument(raw: unknown): TextDocument | undefined {
  const given = (typeof raw === 'object' && raw !== null ? raw : {}) as Partial<TextDocument>;
  const { uri, title, text, references } = given;
  return uri === undefined || text === undefined ? undefined : { uri, title: title ?? '', text, references: references ?? [] };
}

/** What a diagnostic of the server is: `suspect` or `finding`; a finding's code is a link to its trace. */
export function codeOf({ code }: vscode.Diagnostic): string {
  return String(typeof code === 'object' ? code.value : code);
}

/**
 * Words of a workspace or a model for a label: one line, control and direction characters written out, no link. The
 * editor reads `[words](command:…)` in a notification as a button that runs the command, in every window.
 */
export function visible(words: string): string {
  return words
    .replace(/\s+/gu, ' ')
    .replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cn}]/gu, (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16).toUpperCase()}}`)
    .replaceAll('](', '] (')
    .trim();
}

/** The file that a URI of the server names; undefined for any other scheme. */
export function fileUri(uri: string): vscode.Uri | undefined {
  try {
    const parsed = vscode.Uri.parse(uri, true);
    return parsed.scheme === 'file' ? parsed : undefined;
  } catch {
    return undefined;
  }
}

export function range(wire: WireRange): vscode.Range {
  return new vscode.Range(wire.start.line, wire.start.character, wire.end.line, wire.end.character);
}

/** Open a file at 1-based, inclusive lines, the cursor on the first; says so when it is gone. */
export async function goTo(uri: string, firstLine: number, lastLine: number): Promise<void> {
  const file = fileUri(uri);
  if (file === undefined) {
    return;
  }
  try {
    const document = await vscode.workspace.openTextDocument(file);
    const start = new vscode.Position(Math.max(0, firstLine - 1), 0);
    const editor = await vscode.window.showTextDocument(document, { selection: new vscode.Range(start, start) });
    const shown = new vscode.Range(start, new vscode.Position(Math.max(firstLine, lastLine) - 1, 0));
    editor.revealRange(shown, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
  } catch {
    const name = visible(vscode.workspace.asRelativePath(file));
    void vscode.window.showWarningMessage(vscode.l10n.t('{0} cannot be opened; it may be gone since it was indexed.', name));
  }
}
