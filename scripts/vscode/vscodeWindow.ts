import type { BrowserContext, Page } from 'playwright-core';

/** From the address to a workbench, and to tests in its extension host: 3 to 12 s, the first time on a busy machine. */
const loadLimitMs = 45_000;

/**
 * Without a graphics processor each frame of an icon that spins is drawn by the processor: while a task ran, that took most
 * of a core from it. VS Code's own setting for less motion spares these.
 */
const stillStand = `{
  const sheet = new CSSStyleSheet();
  sheet.replaceSync('.codicon-modifier-spin, .codicon-modifier-spin::before, .monaco-progress-container * { animation: none !important }');
  document.adoptedStyleSheets = [sheet];
}`;

/** A window of VS Code: a page of the browser. */
export class VscodeWindow {
  readonly page: Page;
  /** What the page complained about, the newest last. */
  readonly complaints: string[] = [];
  private onTestsEnd: (code: number) => void = () => {};

  private constructor(page: Page) {
    this.page = page;
    page.on('console', (message) => {
      if (message.type() === 'error') this.complain(message.text());
    });
    page.on('crash', () => this.complain('the page crashed'));
  }

  static async open(browser: BrowserContext): Promise<VscodeWindow> {
    const page = await browser.newPage();
    await page.addInitScript(stillStand);
    const window = new VscodeWindow(page);
    // The workbench calls these two when the tests of its extension host log and end.
    await page.exposeFunction('codeAutomationLog', (type: string, args: readonly unknown[]) => {
      if (type === 'error') window.complain(args.join(' '));
    });
    await page.exposeFunction('codeAutomationExit', (code: number) => window.onTestsEnd(code));
    return window;
  }

  /** Goes to a window's address and waits for its workbench. What was in this window before is left as by a reload. */
  async go(url: string): Promise<void> {
    await this.page.goto(url, { timeout: loadLimitMs });
    await this.page
      .locator('.monaco-workbench .part.statusbar .statusbar-item')
      .first()
      .waitFor({ timeout: loadLimitMs });
  }

  /**
   * Goes to the address and waits until VS Code says that the tests in its extension host have ended. Its exit code is 0 also
   * when the host died: only a verdict counts. 124 = not in time.
   */
  async runTests(url: string, limitMs: number): Promise<number> {
    const ended = new Promise<number>((done) => {
      this.onTestsEnd = done;
    });
    await this.go(url);
    return within(limitMs, ended, () => 124);
  }

  /** As a person closes it: the window tells its extension host, which deactivates. */
  async close(): Promise<void> {
    // Closing the page at once would look like a broken connection, after which the host waits for hours.
    await this.page.goto('about:blank');
    await this.page.close();
  }

  private complain(text: string): void {
    this.complaints.push(text.slice(0, 2_000));
    if (this.complaints.length > 50) this.complaints.shift();
  }
}

async function within<Result>(
  milliseconds: number,
  promise: Promise<Result>,
  otherwise: () => Result,
): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<Result>((done) => {
    timer = setTimeout(() => done(otherwise()), milliseconds);
  });
  try {
    return await Promise.race([promise, over]);
  } finally {
    clearTimeout(timer);
  }
}
