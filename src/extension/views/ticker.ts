/** Calls regularly, but only while someone says it has to. */
export class Ticker {
  private readonly everyMs: number;
  private readonly onTick: () => void;
  private timer: NodeJS.Timeout | null = null;

  constructor(everyMs: number, onTick: () => void) {
    this.everyMs = everyMs;
    this.onTick = onTick;
  }

  run(isWanted: boolean): void {
    if (isWanted === (this.timer !== null)) return;
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = isWanted ? setInterval(this.onTick, this.everyMs) : null;
  }

  dispose(): void {
    this.run(false);
  }
}
