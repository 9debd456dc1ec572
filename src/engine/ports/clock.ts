/** The only source of time in the engine. */
export interface Clock {
  /** Epoch ms. */
  now(): number;
  /** Calls back once, at or soon after `at` (epoch ms; also when it lies weeks ahead). The returned function cancels. */
  at(at: number, callback: () => void): () => void;
}
