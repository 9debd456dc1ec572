/** What was set or asked for last, so many of it; the rest is forgotten. */
export class Recent<Value> {
  private readonly most: number;
  private readonly entries = new Map<string, Value>();

  constructor(most: number) {
    this.most = most;
  }

  get(key: string): Value | undefined {
    const value = this.entries.get(key);
    if (value !== undefined) this.set(key, value);
    return value;
  }

  set(key: string, value: Value): void {
    this.entries.delete(key);
    this.entries.set(key, value);
    for (const oldest of this.entries.keys()) if (this.entries.size > this.most) this.entries.delete(oldest);
  }

  /** What was there, which is forgotten. */
  take(key: string): Value | undefined {
    const value = this.entries.get(key);
    this.entries.delete(key);
    return value;
  }
}
