/** The only source of time in the engine. */
export interface Clock {
  /** Epoch ms. */
  now(): number;
  /** Calls back once, at or soon after `at` (epoch ms; also when it lies weeks ahead). The returned function cancels. */
  at(at: number, callback: () => void): () => void;
}

/** Resolves at or soon after `at` (epoch ms), or as soon as the signal aborts. */
export async function waitUntil(clock: Clock, at: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  let wake = (): void => {};
  const over = new Promise<void>((resolve) => (wake = resolve));
  const cancel = clock.at(at, wake);
  signal.addEventListener('abort', wake);
  await over;
  cancel();
  signal.removeEventListener('abort', wake);
}
