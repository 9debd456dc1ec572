import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { basename, join, resolve } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { webviewHtml, type WebviewName } from '../../src/extension/webview/webviewHtml.ts';
import { type ThemeName, themes } from './webviewThemes.ts';

const built = resolve(import.meta.dirname, '../../dist/webview');
const types: Readonly<Record<string, string>> = {
  js: 'text/javascript',
  css: 'text/css',
  ttf: 'font/ttf',
  html: 'text/html; charset=utf-8',
};

/** A built page in a plain browser: the same HTML and content security policy, and a host in this process. */
export class WebviewHarness {
  readonly page: Page;
  /** What the page complained about: refused by the policy, thrown, or failed to load. */
  readonly complaints: string[] = [];
  /** What the page saved of where it is. */
  saved: unknown;
  private readonly close: () => void;

  private constructor(page: Page, close: () => void) {
    this.page = page;
    this.close = close;
  }

  static async open(
    browser: Browser,
    options: {
      readonly name: WebviewName;
      readonly taskId: string;
      readonly theme: ThemeName;
      readonly saved?: unknown;
      readonly strings?: Readonly<Record<string, string>>;
      readonly receive: (message: unknown) => void;
    },
  ): Promise<WebviewHarness> {
    const { name, taskId, theme, receive } = options;
    const server = createServer((request, response) => {
      const file = basename(new URL(request.url ?? '/', 'http://localhost').pathname);
      const origin = `http://${request.headers.host ?? ''}`;
      const html = webviewHtml({
        name,
        taskId,
        title: 'Task',
        nonce: 'bm9uY2U=',
        cspSource: origin,
        language: 'en',
        strings: options.strings ?? null,
        resource: (each) => `${origin}/${each}`,
      });
      const body = file === '' ? Promise.resolve(themed(html, theme)) : readFile(join(built, file));
      body.then(
        (content) =>
          response
            .writeHead(200, {
              'content-type': types[file.split('.').at(-1) ?? ''] ?? 'text/html; charset=utf-8',
            })
            .end(content),
        () => response.writeHead(404).end(),
      );
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const page = await browser.newPage({ viewport: { width: 1100, height: 900 } });
    const harness = new WebviewHarness(page, () => server.close());
    harness.saved = options.saved;
    page.on('console', (message) => {
      if (message.type() === 'error') harness.complaints.push(message.text());
    });
    page.on('pageerror', (error) => harness.complaints.push(error.message));
    page.setDefaultTimeout(10_000);
    await page.exposeFunction('toHost', receive);
    await page.exposeFunction('saveState', (state: unknown) => {
      harness.saved = state;
    });
    await page.addInitScript(`
      globalThis.acquireVsCodeApi = () => ({
        postMessage: (message) => void toHost(message),
        // Outlives a reload of the page, as VS Code's does.
        getState: () => JSON.parse(sessionStorage.getItem('state') ?? '${JSON.stringify(options.saved ?? null)}'),
        setState: (next) => {
          sessionStorage.setItem('state', JSON.stringify(next));
          void saveState(next);
        },
      });
    `);
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    return harness;
  }

  /** A message of the host to the page. */
  async post(message: unknown): Promise<boolean> {
    if (this.page.isClosed()) return false;
    await this.page.evaluate(`postMessage(${JSON.stringify(message)}, '*')`);
    return true;
  }

  async dispose(): Promise<void> {
    await this.page.close();
    this.close();
  }
}

/** As VS Code writes a theme into a webview: variables on the root, its kind on the body. */
function themed(html: string, theme: ThemeName): string {
  const { kind, variables } = themes[theme];
  const style = Object.entries(variables)
    .map(([name, value]) => `--vscode-${name}: ${value}`)
    .join('; ');
  return html
    .replace('<html lang="en">', `<html lang="en" style="${style}">`)
    .replace('<body ', `<body class="${kind}" data-vscode-theme-kind="${kind.split(' ')[0] ?? ''}" `);
}
