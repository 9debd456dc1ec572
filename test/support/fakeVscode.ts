// What views and review use of `vscode`, for tests outside of an extension host:
// `vi.mock('vscode', () => import('../../../support/fakeVscode.ts'))`.
import { posix } from 'node:path';

export const l10n = {
  bundle: undefined,
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

  static joinPath({ scheme, authority, path, query }: Uri, ...parts: readonly string[]): Uri {
    return new Uri({ scheme, authority, path: posix.join(path, ...parts), query });
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

export class Disposable {
  readonly dispose: () => void;

  constructor(dispose: () => void) {
    this.dispose = dispose;
  }

  static from(...all: readonly { dispose(): void }[]): Disposable {
    return new Disposable(() => {
      for (const each of all) each.dispose();
    });
  }
}

export class CancellationError extends Error {}

export class DataTransferItem {
  readonly value: unknown;

  constructor(value: unknown) {
    this.value = value;
  }

  asString(): Promise<string> {
    return Promise.resolve(String(this.value));
  }
}

export const FileType = { Unknown: 0, File: 1, Directory: 2, SymbolicLink: 64 };
export const FileChangeType = { Changed: 1, Created: 2, Deleted: 3 };

export class FileSystemError extends Error {
  static FileNotFound(uri: unknown): FileSystemError {
    return new FileSystemError(`not found: ${String(uri)}`);
  }

  static NoPermissions(): FileSystemError {
    return new FileSystemError('no permissions');
  }
}

interface Choice {
  readonly label: string;
  readonly description?: string;
  readonly detail?: string;
}

/** What stands around a question. */
interface Surroundings {
  readonly title?: string;
  readonly prompt?: string;
  readonly placeHolder?: string;
}

/** Who sits before the window: answers in the order they are asked, and hears what is said. */
export class Person {
  /** A label of a quick pick, the text of an input box, a button of a message; `undefined` leaves it. */
  readonly answers: (string | undefined)[] = [];
  /** What was on offer in each quick pick. */
  readonly offered: (readonly string[])[] = [];
  /** Every message, and those that are not answered yet, by their text. */
  readonly told: string[] = [];
  readonly open = new Map<string, (button?: string) => void>();
  /** Every text that was put before them, in whatever. */
  readonly shown: string[] = [];
  clipboard = '';
  /** What happens while they look at a quick pick. */
  meanwhile: () => Promise<void> = () => Promise.resolve();
  /** Commands that were run, with their arguments. */
  readonly ran: (readonly unknown[])[] = [];

  reset(): void {
    for (const each of [this.answers, this.offered, this.told, this.shown, this.ran]) each.length = 0;
    this.open.clear();
    this.clipboard = '';
    this.meanwhile = () => Promise.resolve();
  }

  see(...texts: readonly (string | undefined)[]): void {
    this.shown.push(...texts.filter((text) => text !== undefined));
  }

  pick(items: readonly Choice[]): Choice | undefined {
    this.offered.push(items.map(({ label }) => label));
    const answer = this.next();
    const picked = items.find(({ label }) => label === answer);
    if (answer !== undefined && picked === undefined) throw new Error(`"${answer}" is not on offer`);
    return picked;
  }

  /** The labels that are ticked, a line each. */
  pickMany(items: readonly Choice[]): readonly Choice[] | undefined {
    this.offered.push(items.map(({ label }) => label));
    return this.next()
      ?.split('\n')
      .map((answer) => {
        const picked = items.find(({ label }) => label === answer);
        if (picked === undefined) throw new Error(`"${answer}" is not on offer`);
        return picked;
      });
  }

  next(): string | undefined {
    if (this.answers.length === 0) throw new Error('the person is asked more than the test says');
    return this.answers.shift();
  }

  hear(text: string): Promise<string | undefined> {
    this.told.push(text);
    this.see(text);
    return new Promise((resolve) => {
      this.open.set(text, (button) => {
        this.open.delete(text);
        resolve(button);
      });
    });
  }
}

export const person = new Person();

export const QuickInputButtons = { Back: {} };

/** An input box or a quick pick that is built up piece by piece; the person answers it once it is shown. */
class QuickInput {
  title: string | undefined;
  prompt: string | undefined;
  value = '';
  validationMessage: string | undefined;
  /** Of a quick pick alone. */
  items: readonly Choice[] | null = null;
  selectedItems: readonly Choice[] = [];
  private readonly accepted = new EventEmitter<undefined>();
  private readonly hidden = new EventEmitter<undefined>();
  readonly onDidAccept = this.accepted.event;
  readonly onDidHide = this.hidden.event;
  readonly onDidChangeValue = new EventEmitter<string>().event;
  readonly onDidTriggerButton = new EventEmitter<unknown>().event;

  show(): void {
    person.see(this.title, this.prompt);
    const picked = this.items === null ? undefined : person.pick(this.items);
    if (picked !== undefined) this.selectedItems = [picked];
    const answer = this.items === null ? person.next() : picked?.label;
    if (answer !== undefined) this.value = answer;
    (answer === undefined ? this.hidden : this.accepted).fire(undefined);
  }

  dispose(): void {}
}

/** The person's settings, without the section; what is not here has none. */
export const configuration = new Map<string, unknown>();

const registration = (): { dispose(): void } => ({ dispose() {} });

/** As the real ones: of VS Code's text documents, those that a test opens. */
export const workspace = {
  textDocuments: [] as unknown[],
  getConfiguration: () => ({ get: (key: string): unknown => configuration.get(key) }),
  registerFileSystemProvider: registration,
  registerTextDocumentContentProvider: registration,
};

export const window = {
  registerFileDecorationProvider: registration,
  showQuickPick: async (
    items: readonly Choice[],
    options?: Surroundings & { readonly canPickMany?: boolean },
  ) => {
    person.see(options?.title, options?.placeHolder);
    for (const { label, description, detail } of items) person.see(label, description, detail);
    await person.meanwhile();
    return options?.canPickMany === true ? person.pickMany(items) : person.pick(items);
  },
  showInputBox: (options: Surroundings & { readonly validateInput?: (value: string) => string | null }) => {
    person.see(options.title, options.prompt, options.placeHolder);
    const answer = person.next();
    const complaint = answer === undefined ? null : options.validateInput?.(answer);
    return complaint ? Promise.reject(new Error(complaint)) : Promise.resolve(answer);
  },
  showInformationMessage: (text: string, ...rest: readonly unknown[]) => put(text, rest),
  showWarningMessage: (text: string, ...rest: readonly unknown[]) => put(text, rest),
  showErrorMessage: (text: string, ...rest: readonly unknown[]) => put(text, rest),
  createInputBox: () => new QuickInput(),
  createQuickPick: () => new QuickInput(),
  createTerminal: ({ name }: { readonly name: string }) => {
    person.see(name);
    return { show: () => {} };
  },
};

/** A modal one, which has options, is answered as the other questions are. */
function put(text: string, [options]: readonly unknown[]): Promise<string | undefined> {
  if (typeof options !== 'object' || options === null) return person.hear(text);
  person.see(text, 'detail' in options ? String(options.detail) : undefined);
  return Promise.resolve(person.next());
}

export const commands = {
  executeCommand: (...call: readonly unknown[]) => {
    person.ran.push(call);
    return Promise.resolve();
  },
};

export const env = {
  language: 'en',
  clipboard: {
    writeText: (text: string) => {
      person.clipboard = text;
      return Promise.resolve();
    },
  },
};
