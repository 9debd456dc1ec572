// Who may import whom. oxlint's no-restricted-imports does not see `await import()`, so every rule about imports is here.
// `node scripts/check-layers.mjs [root]`: exit code 1 and one line for each violation.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The floors, lowest first. A part imports from itself and from floors below, never from a neighbour or above. */
const floors = [
  ['src/engine/domain'],
  ['src/engine/ports', 'src/engine/protocol', 'package.json'],
  [
    'src/engine/process',
    'src/engine/engine',
    'src/engine/mailbox',
    'src/engine/settings',
    'src/engine/steadyClock',
    'src/engine/storagePaths',
    'src/engine/systemClock',
  ],
  ['src/engine/worktrees', 'src/engine/context'],
  ['src/engine/store', 'src/engine/allocation', 'src/engine/claude'],
  ['src/engine/stages', 'src/engine/notice'],
  ['src/engine/effects'],
  ['src/engine/orchestratorService'],
  ['src/engine/sharing', 'src/engine/inspection', 'src/engine/createTask', 'src/engine/mergeFailure'],
  ['src/engine/openOrchestrator', 'src/engine/server', 'src/engine/interop'],
  ['src/engine/host', 'src/extension', 'webview-ui'],
];

/** Parts that may use less than all the floors below. */
const confined = new Map([['webview-ui', ['src/engine/protocol']]]);

/** Packages with one owner: their weight, types and quirks stay behind it. An owner is a file, or a folder when it ends in `/`. */
const packageOwners = new Map([
  ['dockerode', 'src/engine/allocation/dockerEngine.ts'],
  ['execa', 'src/engine/process/exec.ts'],
  ['sql.js', 'src/engine/store/sqljs/sqlite.ts'],
  ['vscode', 'src/extension/'],
]);

/** Pure: no package and no Node module, so that deciding can neither wait nor see the world. */
const pure = 'src/engine/domain';

const importPatterns = [
  /^\s*(?:import|export)\b[^'"`;]*\bfrom\s*['"]([^'"]+)['"]/gm,
  /^\s*import\s*['"]([^'"]+)['"]/gm,
  /\b(?:import|require)\(\s*['"]([^'"]+)['"]/g,
];

const root = resolve(process.argv[2] ?? dirname(dirname(fileURLToPath(import.meta.url))));
const files = ['src', 'webview-ui'].flatMap(sourceFiles);
const violations = [];
/** File -> the files it imports, both relative to the root. */
const graph = new Map();

for (const file of files) graph.set(file, checkFile(file));
for (const cycle of cycles()) violations.push(`circle: ${cycle.join(' -> ')}`);

if (violations.length > 0) {
  process.stderr.write(`${violations.join('\n')}\n`);
  process.exitCode = 1;
} else {
  process.stdout.write(`${files.length} files keep their floors\n`);
}

function checkFile(file) {
  const own = placeOf(file);
  if (own === undefined) {
    violations.push(`${file}: stands on no floor; give its folder a place in scripts/check-layers.mjs`);
    return [];
  }
  const targets = [];
  for (const { specifier, line } of importsOf(file)) {
    const at = `${file}:${line}: '${specifier}'`;
    if (!specifier.startsWith('.')) {
      const complaint = packageComplaint(file, own, specifier);
      if (complaint !== null) violations.push(`${at}: ${complaint}`);
      continue;
    }
    const target = posix(relative(root, resolve(root, dirname(file), specifier)));
    if (!existsSync(join(root, target))) {
      violations.push(`${at}: no such file (imports name the file, with its extension)`);
      continue;
    }
    targets.push(target);
    const place = placeOf(target);
    if (place === undefined) violations.push(`${at}: outside of the floors`);
    else if (!mayImport(own, place)) violations.push(`${at}: ${own.part} must not import ${place.part}`);
  }
  return targets;
}

function packageComplaint(file, own, specifier) {
  if (own.part === pure) return `${pure} imports nothing but itself`;
  const owner = packageOwners.get(packageName(specifier));
  if (owner === undefined || owner === file || (owner.endsWith('/') && file.startsWith(owner))) return null;
  return `only ${owner} may import it`;
}

function mayImport(own, place) {
  if (own.part === place.part) return true;
  const allowed = confined.get(own.part);
  return allowed === undefined ? place.floor < own.floor : allowed.includes(place.part);
}

/** A part is a folder, a file next to folders, or both under one name. */
function placeOf(file) {
  for (const [floor, parts] of floors.entries()) {
    for (const part of parts) {
      if (file.startsWith(`${part}/`) || file === `${part}.ts` || file === part) return { floor, part };
    }
  }
  return undefined;
}

/** `sql.js` of `sql.js/dist/sql-wasm.js`, `@scope/name` of `@scope/name/file`. */
function packageName(specifier) {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function importsOf(file) {
  const text = readFileSync(join(root, file), 'utf8');
  return importPatterns.flatMap((pattern) =>
    [...text.matchAll(pattern)].map((match) => ({
      specifier: match[1],
      line: text.slice(0, match.index + match[0].length).split('\n').length,
    })),
  );
}

/** Circles of imports, type imports too, each told once, from the file where the walk met it. */
function cycles() {
  const found = [];
  const done = new Set();
  const path = [];
  const walk = (file) => {
    const start = path.indexOf(file);
    if (start >= 0) found.push([...path.slice(start), file]);
    if (start >= 0 || done.has(file)) return;
    path.push(file);
    for (const target of graph.get(file) ?? []) walk(target);
    path.pop();
    done.add(file);
  };
  for (const file of graph.keys()) walk(file);
  return found;
}

function sourceFiles(folder) {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true })
    .map((name) => posix(join(folder, name)))
    .filter((name) => /\.[cm]?[jt]sx?$/.test(name) && !name.includes('node_modules/'))
    .toSorted((a, b) => (a < b ? -1 : 1));
}

function posix(path) {
  return path.split(sep).join('/');
}
