import { createHash } from 'node:crypto';
import { OrchestratorError } from '../../ports/errors.ts';

// The release build's import names are minified, but the import object keeps this order. It is known for exactly
// these bytes: a guessed order would send SQLite's writes to the wrong call.
const importNamesBySha256: Readonly<Record<string, string>> = {
  // sql.js 1.16.0, dist/sql-wasm.wasm
  '43bbcdd44287e5a2db3b6b5af34b1a3485a7a441285d247976c1ebe3c61f8dbf': `
    __assert_fail __syscall_chmod __syscall_faccessat __syscall_fchmod __syscall_fchown32 __syscall_fcntl64
    __syscall_fstat64 __syscall_ftruncate64 __syscall_getcwd __syscall_geteuid32 __syscall_lstat64 __syscall_mkdirat
    __syscall_newfstatat __syscall_openat __syscall_readlinkat __syscall_rmdir __syscall_stat64 __syscall_unlinkat
    __syscall_utimensat _abort_js _emscripten_runtime_keepalive_clear _localtime_js _mmap_js _munmap_js _setitimer_js
    _tzset_js emscripten_date_now emscripten_get_heap_max emscripten_get_now emscripten_resize_heap environ_get
    environ_sizes_get fd_close fd_fdstat_get fd_read fd_seek fd_sync fd_write proc_exit warnLegacyFunction`,
};

/** Names of the wasm's imports in the order of its import object; throws `environment` for a wasm it does not know. */
export function importNamesOf(wasm: Uint8Array): readonly string[] {
  const sha256 = createHash('sha256').update(wasm).digest('hex');
  const names = importNamesBySha256[sha256];
  if (names === undefined) {
    throw new OrchestratorError('environment', `The SQLite module has an unknown checksum (${sha256}).`, {
      remedy: 'Install Orchestrator Manager again: its files were changed.',
    });
  }
  return names.trim().split(/\s+/);
}
