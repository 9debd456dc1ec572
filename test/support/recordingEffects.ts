import type { Effect } from '../../src/engine/domain/effects.ts';

/** Carries nothing out; knows what was issued and not yet settled. */
export class RecordingEffects {
  readonly open = new Map<string, Effect>();

  issue(effect: Effect): void {
    this.open.set(effect.key, effect);
  }

  settle(key: string): void {
    this.open.delete(key);
  }

  detach(): Promise<void> {
    this.open.clear();
    return Promise.resolve();
  }
}
