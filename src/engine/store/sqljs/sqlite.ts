import { readFileSync } from 'node:fs';
import initSqlJs from 'sql.js';
import type { Database } from 'sql.js';
import { HostVfs } from './hostVfs.ts';
import type { Syscall } from './hostVfs.ts';
import { importNamesOf } from './importNames.ts';
import { webAssembly } from './webAssembly.ts';
import type { WasmImports, WasmInstance, WasmMemory } from './webAssembly.ts';

/** A connection of sql.js. */
export type Connection = Database;

/** SQLite compiled to wasm, with the file calls of the host. One per process: sql.js makes no second instance. */
export interface Sqlite {
  readonly vfs: HostVfs;
  /** Opens a file below a path that `vfs.mount` gave. */
  open(path: string): Connection;
  /** A database in memory, from the bytes of a file: none of the host's files are touched. */
  openBytes(bytes: Uint8Array): Connection;
}

// What the release build exports beside the documented API.
interface RawModule {
  readonly Database: new (data?: Uint8Array) => Connection & { db: number | null };
  _sqlite3_open(path: number, handle: number): number;
  _sqlite3_close_v2(handle: number | null): number;
  _malloc(size: number): number;
  _free(pointer: number): void;
  stringToNewUTF8(text: string): number;
}
const rawFunctions = [
  '_sqlite3_open',
  '_sqlite3_close_v2',
  '_malloc',
  '_free',
  'stringToNewUTF8',
  'Database',
] as const;

let loaded: Promise<Sqlite> | undefined;

/** Loads the wasm once; later calls share the instance. Throws `environment` when the wasm is not the one we know. */
export function loadSqlite(wasmPath: string): Promise<Sqlite> {
  if (loaded === undefined) {
    const wasm = readFileSync(wasmPath);
    const names = importNamesOf(wasm);
    loaded = instantiate(wasm, names);
  }
  return loaded;
}

async function instantiate(wasm: Uint8Array<ArrayBuffer>, names: readonly string[]): Promise<Sqlite> {
  const vfs = new HostVfs();
  let memory: WasmMemory | undefined;
  const module: unknown = await new Promise((resolve, reject) => {
    const configuration = {
      // Off: the old way of registering functions only prints a warning here.
      useOldExtensionFunctions: false,
      instantiateWasm(imports: WasmImports, done: (instance: WasmInstance) => void) {
        const start = async (): Promise<void> => {
          const { instance } = await webAssembly.instantiate(wasm, hookedImports(imports, names, vfs));
          memory = Object.values(instance.exports).find((item) => item instanceof webAssembly.Memory);
          if (memory === undefined) throw new Error('the SQLite module exports no memory');
          vfs.attachMemory(memory);
          done(instance);
        };
        start().catch(reject);
        return {};
      },
    };
    initSqlJs(configuration).then(resolve, reject);
  });
  if (memory === undefined || !isRawModule(module))
    throw new Error('the SQLite module lacks a function it should export');
  return sqliteOf(module, memory, vfs);
}

function hookedImports(imports: WasmImports, names: readonly string[], vfs: HostVfs): WasmImports {
  const table = imports['a'] ?? {};
  const keys = Object.keys(table);
  if (keys.length !== names.length)
    throw new Error(`the SQLite module has ${keys.length} imports, not ${names.length}`);
  const keyOf = (name: string): string => {
    const key = keys[names.indexOf(name)];
    if (key === undefined) throw new Error(`the SQLite module does not import ${name}`);
    return key;
  };
  const calls = vfs.syscalls((name) => {
    const original = table[keyOf(name)];
    if (typeof original !== 'function') throw new Error(`the SQLite module's import ${name} is no function`);
    return original as Syscall;
  });
  const hooked = { ...table };
  for (const [name, call] of calls) hooked[keyOf(name)] = call;
  return { a: hooked };
}

function isRawModule(module: unknown): module is RawModule {
  return (
    typeof module === 'object' &&
    module !== null &&
    rawFunctions.every(
      (name) => name in module && typeof (module as Record<string, unknown>)[name] === 'function',
    )
  );
}

function sqliteOf(module: RawModule, memory: WasmMemory, vfs: HostVfs): Sqlite {
  return {
    vfs,
    openBytes: (bytes) => new module.Database(bytes),
    open(path) {
      // The connection begins as an empty one in memory, so that its close() finds what it expects, and changes hands.
      const connection = new module.Database();
      module._sqlite3_close_v2(connection.db);
      const name = module.stringToNewUTF8(path);
      const out = module._malloc(4);
      const code = module._sqlite3_open(name, out);
      const handle = new DataView(memory.buffer).getUint32(out, true);
      module._free(out);
      module._free(name);
      connection.db = handle;
      if (code !== 0) {
        connection.close();
        throw new Error(`unable to open database file (${code})`);
      }
      return connection;
    },
  };
}
