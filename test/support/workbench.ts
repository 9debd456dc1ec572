import type { Frame, Locator, Page } from 'playwright-core';
import * as v from 'valibot';
import type { VscodeScene } from './vscodeScene.ts';

/** VS Code's window as a person has it before them: keyboard, palette, views, notifications, dialogs, webviews. */
export class Workbench {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  /** A window on the scene's repository, on another folder or workspace, or on none, the extension's views open. */
  static async open(scene: VscodeScene, workspace?: string | null): Promise<Workbench> {
    const workbench = new Workbench((await scene.open(workspace)).page);
    await workbench.openViews();
    return workbench;
  }

  /** Opens the extension's views, unless the window came back with them open. */
  async openViews(): Promise<void> {
    const icon = this.page.locator('.activitybar .action-item a[aria-label^="Orchestrator"]').first();
    await icon.waitFor();
    for (let attempt = 1; ; attempt += 1) {
      try {
        // What was open comes back a moment after the icons, and a click would then close it.
        return await this.tasks.waitFor({ timeout: attempt === 1 ? 1_000 : 8_000 });
      } catch (error) {
        if (attempt === 4) throw error;
        // On the badge, where there is one.
        await icon.click({ force: true });
      }
    }
  }

  /** Runs a command from the palette, found by its title. */
  async command(title: string): Promise<void> {
    // By the whole title, for of two that begin alike the one used last comes first; after it the row has its keys. With its
    // matches marked, for a list that is not filtered yet moves away under the mouse.
    const named = [`[aria-label="${title}"]`, `[aria-label^="${title},"]`].map(
      (each) => `.monaco-list-row${each}`,
    );
    const row = this.quickInput.locator(named.join(', '), { has: this.page.locator('.highlight') }).first();
    await this.fromPalette(title, (timeout) => row.click({ timeout }));
  }

  /** Leaves the palette open with what it has for this text; resolves when it shows `awaited`. */
  async showInPalette(text: string, awaited: string): Promise<void> {
    const row = this.quickInput.getByText(awaited).first();
    await this.fromPalette(text, (timeout) => row.waitFor({ timeout }));
  }

  /** Developer: Reload Window, as a person does it; resolves when the new window is there. */
  async reload(): Promise<void> {
    const loaded = this.page.waitForEvent('load');
    await this.command('Developer: Reload Window');
    await loaded;
    await this.statusBar.locator('.statusbar-item').first().waitFor();
  }

  /** Whether the palette has a command with this title. */
  async offers(title: string): Promise<boolean> {
    // Some command of ours is there in every state: its row says that the list is made.
    await this.openPalette('Orchestrator: ', 10_000);
    await this.quickInput.getByText('Orchestrator: Show Log').first().waitFor();
    await this.quickInput.locator('.quick-input-filter input').fill(`>${title}`);
    const row = this.quickInput.getByRole('option', { name: title });
    await this.quickInput.getByRole('option').first().waitFor();
    const isThere = (await row.count()) > 0;
    await this.page.keyboard.press('Escape');
    return isThere;
  }

  /** Follows a link to VS Code, as from a browser; the first time VS Code asks whether the extension may have it. */
  async followLink(link: string, { isFirst }: { readonly isFirst: boolean }): Promise<void> {
    await this.command('Developer: Open URL');
    await this.answer(link);
    if (!isFirst) return;
    await this.dialog.getByRole('checkbox').click();
    await this.dialog.getByRole('button', { name: 'Open' }).click();
  }

  /**
   * What VS Code tells and has told, each until it was answered or cleared, in its list of them: a toast goes by itself, and
   * some of these windows show none.
   */
  async notifications(text: string): Promise<Locator> {
    const list = this.page.locator('.notifications-center.visible');
    if (!(await list.isVisible())) await this.command('Notifications: Show Notifications');
    const told = list.locator('.notification-list-item', { hasText: text });
    await told.first().waitFor();
    return told;
  }

  async clearNotifications(): Promise<void> {
    await this.command('Notifications: Clear All Notifications');
    await this.page.locator('.notifications-center.visible').waitFor({ state: 'detached' });
  }

  /** Accepts the open list of which several rows can be taken, after ticking this one. */
  async answerSeveral(alsoRow?: string): Promise<void> {
    const row = this.quickInput.locator('.monaco-list-row');
    await row.first().waitFor();
    if (alsoRow !== undefined) await row.filter({ hasText: alsoRow }).click();
    await this.quickInput.getByRole('button', { name: 'OK' }).click();
  }

  /** Opens a file of the folder's top level from the explorer. */
  async openFile(name: string): Promise<void> {
    await this.command('View: Show Explorer');
    await this.page.locator('.explorer-folders-view .monaco-list-row', { hasText: name }).dblclick();
    await this.tab(name).waitFor();
  }

  /** Gives or takes trust in the folder on VS Code's own page about it. */
  async setTrust(trust: 'given' | 'taken'): Promise<void> {
    await this.command('Workspaces: Manage Workspace Trust');
    const editor = this.page.locator('.workspace-trust-editor');
    if (trust === 'given') await editor.getByRole('button', { name: 'Trust', exact: true }).click();
    else {
      // Only to be seen while the mouse is over its row, and a toast may be in the way of that.
      await editor
        .locator('.monaco-list-row [aria-label="Delete Path"]')
        .dispatchEvent('click', undefined, { timeout: 10_000 });
    }
    // Newer releases show the page as a dialog over the window; taking trust loads the window anew, without it.
    const dialog = this.page.locator('.monaco-modal-editor-block');
    if (trust === 'given' && (await dialog.isVisible()))
      await dialog.getByRole('button', { name: 'Close' }).first().click();
    await dialog.waitFor({ state: 'hidden' });
  }

  /** Fills in the input that is open and accepts it; `until`: once the list has a row with this text, by that row. */
  async answer(text: string, { until }: { readonly until?: string } = {}): Promise<void> {
    const input = this.quickInput.locator('.quick-input-filter input');
    await input.fill(text);
    if (until === undefined) await input.press('Enter');
    else await this.choice(until).first().click();
  }

  /** The quick pick's row with this text. */
  choice(text: string): Locator {
    return this.quickInput.locator('.monaco-list-row', { hasText: text });
  }

  /** The step of an input whose prompt or place holder has this text. */
  async step(text: string | RegExp): Promise<void> {
    const said = this.quickInput.locator('.quick-input-message, .quick-input-title', { hasText: text });
    const asked = this.quickInput.getByPlaceholder(text);
    await said.or(asked).first().waitFor();
  }

  /** New Task from the palette, step by step, started at once. */
  async newTask(title: string, description: string): Promise<void> {
    await this.command('Orchestrator: New Task');
    await this.step('What is to be done');
    await this.answer(title);
    await this.step('In more words');
    await this.answer(description);
    await this.answer('', { until: 'As soon as it has its turn' });
  }

  /** Resolves when the tree of tasks has one with this title below this stage, which is opened when it is closed. */
  async taskIn(group: string, title: string): Promise<void> {
    const deadline = Date.now() + stageLimitMs;
    for (;;) {
      const place = await this.waitInPage(placeOfTask, [group, title], deadline - Date.now()).catch(
        async (error: unknown) => {
          const shown = await this.tasks.innerText();
          throw new Error(`"${title}" is not below ${group}:\n${shown}`, { cause: error });
        },
      );
      if (place === 'shown') return;
      // It may be gone again, or opened by itself meanwhile: then there is nothing to click at.
      await this.page
        .locator(closedGroup(group))
        .click({ timeout: 2_000 })
        .catch(() => undefined);
    }
  }

  /** Goes to the end of the tree of tasks, which has only the rows it shows, until this row is there. */
  async lastTask(text: string): Promise<Locator> {
    const row = this.row(text);
    await this.tasks.locator('.monaco-list').focus();
    for (let attempt = 1; attempt < 20 && !(await row.isVisible()); attempt += 1) {
      await this.page.keyboard.press('End');
      await row.waitFor({ timeout: 1_000 }).catch(() => undefined);
    }
    await row.waitFor({ timeout: 1_000 });
    return row;
  }

  /** What a function in the page returns, once it is something; `source` is that function. */
  async waitInPage(source: string, argument: unknown, timeout: number): Promise<unknown> {
    const handle = await this.page.waitForFunction(`(${source})(${JSON.stringify(argument)})`, undefined, {
      timeout: Math.max(1, timeout),
    });
    return handle.jsonValue();
  }

  get quickInput(): Locator {
    return this.page.locator('.quick-input-widget:not(.hidden)');
  }

  /** The tree of tasks. */
  get tasks(): Locator {
    return this.pane('Tasks');
  }

  get containers(): Locator {
    return this.pane('Containers');
  }

  get containersHeader(): Locator {
    return this.page.locator('.pane-header[aria-label^="Containers"]');
  }

  get statusBar(): Locator {
    return this.page.locator('.part.statusbar');
  }

  get dialog(): Locator {
    return this.page.locator('.monaco-dialog-box');
  }

  /** A row of a view; `text` is what it shows. */
  row(text: string | RegExp): Locator {
    return this.page.locator('.pane-body .monaco-list-row', { hasText: text });
  }

  /** What the rows below a stage show, in their order. */
  async rowsIn(group: string): Promise<readonly string[]> {
    return v.parse(
      v.array(v.string()),
      await this.page.evaluate(`(${rowsOfGroup})(${JSON.stringify(group)})`),
    );
  }

  /** Chooses from the menu of a row. */
  async chooseFor(row: Locator, item: string): Promise<void> {
    await row.click({ button: 'right' });
    // A click so soon after the one that opened the menu, VS Code takes for the same one.
    await this.page.getByRole('menuitem', { name: item, exact: true }).hover();
    await this.page.keyboard.press('Enter');
  }

  tab(title: string | RegExp): Locator {
    return this.page.locator('.tabs-container .tab', { hasText: title });
  }

  /** The document of a webview whose body has this text; of several the newest. */
  async webview(text: string | RegExp): Promise<Frame> {
    const deadline = Date.now() + webviewLimitMs;
    while (Date.now() < deadline) {
      for (const frame of this.page.frames().toReversed()) {
        if (frame === this.page.mainFrame()) continue;
        // A frame may go while it is asked.
        const found = await frame
          .locator('body', { hasText: text })
          .count()
          .catch(() => 0);
        if (found > 0) return frame;
      }
      // That a frame loads is told by an event; that its text is there is not.
      await this.page.waitForTimeout(100);
    }
    throw new Error(`no webview says ${String(text)}`);
  }

  async widenSidebar(byPixels: number): Promise<void> {
    const box = await this.page.locator('.part.sidebar').boundingBox();
    if (box === null) throw new Error('there is no sidebar');
    const { mouse } = this.page;
    const edge = box.x + box.width;
    await mouse.move(edge, box.y + 300);
    await mouse.down();
    await mouse.move(edge + byPixels, box.y + 300, { steps: 5 });
    await mouse.up();
  }

  /** Opens the palette and does something with it, anew until that succeeds. */
  private async fromPalette(text: string, act: (timeout: number) => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const timeout = attempt < 10 ? 2_000 : 10_000;
      try {
        // Shortly after a start the palette lacks commands that need trust, and what else opens closes it.
        await this.openPalette(text, timeout);
        await act(timeout);
        return;
      } catch (error) {
        if (attempt === 10) throw error;
        await this.page.keyboard.press('Escape');
      }
    }
  }

  private async openPalette(text: string, timeout: number): Promise<void> {
    // Out of whatever has the focus: a webview keeps F1 to itself.
    await this.page.locator('.part.titlebar').click({ position: { x: 5, y: 5 }, timeout });
    await this.page.keyboard.press('F1');
    await this.quickInput.locator('.quick-input-filter input').fill(`>${text}`, { timeout });
  }

  private pane(title: string): Locator {
    return this.page.locator('.pane', { has: this.page.locator(`.pane-header[aria-label^="${title}"]`) });
  }
}

/** A played stage takes 3 s, with the start of the CLI; on a machine busy with something else many times that. */
const stageLimitMs = 60_000;

/** A webview's service worker, its page and the first snapshot took 1 s. */
const webviewLimitMs = 30_000;

const closedGroup = (group: string): string =>
  `.pane .monaco-list-row[aria-level="1"][aria-expanded="false"][aria-label^="${group},"]`;

/** In the page: the rows of the tree of tasks, from top to bottom. */
const rowsOfTree = `() => [...document.querySelectorAll('.pane .monaco-list-row[aria-level]')]
  .filter((row) => row.closest('.pane').querySelector('.pane-header[aria-label^="Tasks"]') !== null)
  .toSorted((one, other) => Number(one.dataset.index) - Number(other.dataset.index))`;

/** In the page: the texts of the rows below a stage. */
const rowsOfGroup = `(group) => {
  const rows = (${rowsOfTree})();
  const first = rows.findIndex((row) => row.ariaLevel === '1' && row.textContent.startsWith(group)) + 1;
  const rest = rows.slice(first);
  const end = rest.findIndex((row) => row.ariaLevel === '1');
  return first === 0 ? [] : rest.slice(0, end === -1 ? rest.length : end).map((row) => row.textContent);
}`;

/**
 * In the page: `shown` below this stage, `closed` when the stage has rows and does not show them. Rows of a tree are
 * siblings in no order: `data-index` is their place, `aria-level` their depth.
 */
const placeOfTask = `([group, title]) => {
  const rows = (${rowsOfTree})();
  const text = (row) => row?.textContent ?? '';
  const stages = rows.filter((row) => row.ariaLevel === '1');
  if (stages.some((row) => text(row).startsWith(group) && row.ariaExpanded === 'false')) return 'closed';
  const index = rows.findIndex((row) => row.ariaLevel === '2' && text(row).includes(title));
  const stage = rows.slice(0, index + 1).findLast((row) => row.ariaLevel === '1');
  return index >= 0 && text(stage).startsWith(group) ? 'shown' : null;
}`;
