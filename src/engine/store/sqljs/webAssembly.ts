// Neither TypeScript's ES library nor the types of Node 20 declare WebAssembly: here is the part that is used.

export interface WasmMemory {
  readonly buffer: ArrayBuffer;
}

export interface WasmInstance {
  readonly exports: Readonly<Record<string, unknown>>;
}

export type WasmImports = Record<string, Record<string, unknown>>;

interface WebAssemblyApi {
  instantiate(
    bytes: Uint8Array,
    imports: WasmImports,
  ): Promise<{ readonly instance: WasmInstance; readonly module: unknown }>;
  readonly Memory: abstract new () => WasmMemory;
  /** What a trap throws. */
  readonly RuntimeError: abstract new () => Error;
}

declare const WebAssembly: WebAssemblyApi;

export const webAssembly = WebAssembly;
