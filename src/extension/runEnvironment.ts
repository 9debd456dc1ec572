import type { Secrets } from './secrets.ts';

/** The environment runs get their credentials and the service's address from: VS Code's own, under what the person chose. */
export class RunEnvironment {
  /** Read at each run, so that a change counts from the next one on. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** What Claude Code gets besides; read at each run too. */
  readonly extra: Readonly<Record<string, string>>;
  private readonly currentExtra: Record<string, string> = {};
  private readonly current: Record<string, string | undefined> = { ...process.env };
  private readonly secrets: Pick<Secrets, 'variables'>;
  private readonly baseUrl: () => string | null;
  private readonly chosenExtra: () => Readonly<Record<string, string>>;

  constructor(
    secrets: Pick<Secrets, 'variables'>,
    baseUrl: () => string | null,
    extra: () => Readonly<Record<string, string>>,
  ) {
    this.secrets = secrets;
    this.baseUrl = baseUrl;
    this.chosenExtra = extra;
    this.variables = this.current;
    this.extra = this.currentExtra;
  }

  async refresh(): Promise<void> {
    const chosen: Record<string, string | null> = { ...(await this.secrets.variables()) };
    const address = this.baseUrl();
    const extra = this.chosenExtra();
    if (address !== null) chosen['ANTHROPIC_BASE_URL'] = address;
    for (const name of Object.keys(this.currentExtra)) delete this.currentExtra[name];
    Object.assign(this.currentExtra, extra);
    for (const name of Object.keys(this.current)) delete this.current[name];
    Object.assign(this.current, process.env);
    for (const [name, value] of Object.entries(chosen)) this.current[name] = value ?? undefined;
  }
}
