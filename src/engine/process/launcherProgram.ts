import { failureOf } from '../ports/errors.ts';
import { executeHere } from './exec.ts';
import type { LauncherAnswer, LauncherRequest } from './launcherProtocol.ts';

/**
 * The program `launcher.js`: starts programs for an engine, over the channel of `fork`. When the engine is gone it lets
 * what runs come to its end, as it would have without a launcher, and then ends by itself: nothing else keeps it.
 */
const stops = new Map<number, AbortController>();

process.on('message', (request: LauncherRequest) => {
  if (request.type === 'abort') {
    stops.get(request.id)?.abort();
    return;
  }
  const { id, file, args, options } = request;
  const stop = new AbortController();
  stops.set(id, stop);
  void executeHere(file, args, { ...options, extendEnv: false, signal: stop.signal })
    .then(
      (result): LauncherAnswer => ({ type: 'result', id, result }),
      (error: unknown): LauncherAnswer => ({ type: 'failure', id, failure: failureOf(error) }),
    )
    .then(answer)
    .finally(() => stops.delete(id));
});

function answer(message: LauncherAnswer): void {
  // The engine may go between the question and the answer: then nobody wants it.
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}
