// Loads the extension's bundle as an extension host does, with a `vscode` in which everything exists and does nothing, and
// prints the ms for loading and for activating: `node activate.mjs DIST`.
import { readFileSync } from 'node:fs';
import Module, { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const require = createRequire(import.meta.url);

class Anything {
  isStub = true;
}
const anything = new Proxy(function nothing() {}, {
  get: (target, name) => {
    if (name === Symbol.toPrimitive) return () => '';
    if (name === 'then' || name === Symbol.iterator) return undefined;
    return name === 'prototype' ? target.prototype : anything;
  },
  apply: () => anything,
  construct: () => anything,
});
class Emitter {
  event = () => ({ dispose() {} });
  fire() {}
  dispose() {}
}

const file = join(resolve(process.argv[2]), 'extension.js');
// Bundled code copies the names of a module, so there must be some: the namespaces, and every word that could be a class.
const namespaces =
  'authentication commands comments debug env extensions l10n languages scm tasks tests window workspace';
const classes = readFileSync(file, 'utf8').match(/(?<=\.)[A-Z]\w+/g) ?? [];
const vscode = Object.fromEntries(
  [...namespaces.split(' '), ...new Set(classes)].map((word) => [word, anything]),
);
// What is extended must be a class.
for (const name of ['TreeItem', 'ThemeIcon', 'ThemeColor', 'MarkdownString']) vscode[name] = Anything;
Object.assign(vscode, { EventEmitter: Emitter, __esModule: true });

const load = Module._load;
Module._load = (request, ...rest) => (request === 'vscode' ? vscode : load(request, ...rest));

const startedAt = performance.now();
const { activate } = require(file);
const loadedAt = performance.now();
activate({
  subscriptions: [],
  secrets: anything,
  workspaceState: { get: () => undefined, update: async () => {} },
  globalState: { get: () => undefined, update: async () => {} },
  extensionUri: anything,
  extension: anything,
  storageUri: undefined,
  globalStorageUri: anything,
  environmentVariableCollection: anything,
});
const endedAt = performance.now();
process.stdout.write(`${loadedAt - startedAt} ${endedAt - loadedAt}\n`);
process.exit(0);
