// What views and review use of `vscode`, for tests outside of an extension host:
// `vi.mock('vscode', () => import('../../../support/fakeVscode.ts'))`.
import { posix } from 'node:path';

export const l10n = {
  t: (message: string, ...args: readonly unknown[]): string =>
    message.replaceAll(/\{(\d+)\}/g, (_, at: string) => String(args[Number(at)])),
};

export const TreeItemCollapsibleState = { None: 0, Collapsed: 1, Expanded: 2 };
export const DiagnosticSeverity = { Error: 0, Warning: 1, Information: 2, Hint: 3 };

export class TreeItem {
  readonly label: string;
  collapsibleState: number;

  constructor(label: string, collapsibleState = TreeItemCollapsibleState.None) {
    this.label = label;
    this.collapsibleState = collapsibleState;
  }
}

export class ThemeColor {
  readonly id: string;

  constructor(id: string) {
    this.id = id;
  }
}

export class ThemeIcon {
  readonly id: string;
  readonly color: ThemeColor | undefined;

  constructor(id: string, color?: ThemeColor) {
    this.id = id;
    this.color = color;
  }
}

export class MarkdownString {
  readonly isTrusted = false;
  readonly supportHtml = false;
  readonly value: string;

  constructor(value: string) {
    this.value = value;
  }
}

export class EventEmitter<T> {
  private readonly listeners = new Set<(event: T) => void>();
  readonly event = (listener: (event: T) => void): { dispose: () => void } => {
    this.listeners.add(listener);
    return { dispose: () => void this.listeners.delete(listener) };
  };

  fire(event: T): void {
    for (const listener of this.listeners) listener(event);
  }

  dispose(): void {
    this.listeners.clear();
  }
}

/** As the real one: refuses what is no place in a document. */
export class Range {
  readonly start: { readonly line: number; readonly character: number };

  constructor(line: number, character: number, endLine: number, endCharacter: number) {
    for (const number of [line, character, endLine, endCharacter])
      if (!Number.isInteger(number) || number < 0) throw new Error(`illegal position ${number}`);
    this.start = { line, character };
  }
}

export class Diagnostic {
  readonly range: Range;
  readonly message: string;
  readonly severity: number;
  code: unknown;
  source: string | undefined;

  constructor(range: Range, message: string, severity: number) {
    this.range = range;
    this.message = message;
    this.severity = severity;
  }
}

interface UriParts {
  readonly scheme: string;
  readonly authority: string;
  readonly path: string;
  readonly query: string;
}

export class Uri {
  readonly scheme: string;
  readonly authority: string;
  readonly path: string;
  readonly query: string;

  private constructor({ scheme, authority, path, query }: UriParts) {
    this.scheme = scheme;
    this.authority = authority;
    this.path = path;
    this.query = query;
  }

  static from(parts: UriParts): Uri {
    return new Uri(parts);
  }

  static file(path: string): Uri {
    return new Uri({ scheme: 'file', authority: '', path: posix.normalize(path), query: '' });
  }

  toString(): string {
    return `${this.scheme}://${this.authority}${this.path}${this.query === '' ? '' : `?${this.query}`}`;
  }
}

/** What the Problems panel shows: by address, of all collections together. */
export const problems = new Map<string, readonly Diagnostic[]>();

export const languages = {
  createDiagnosticCollection: () => ({
    set: (uri: Uri, diagnostics: readonly Diagnostic[]) => problems.set(uri.toString(), diagnostics),
    delete: (uri: Uri) => problems.delete(uri.toString()),
    dispose: () => problems.clear(),
  }),
};

export const window = {};
export const workspace = {};
export const commands = {};
