import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

/** The lighter one first: the same pictures in two thirds of the time. */
const names = ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome'];

/** Path of a Chromium: CHROMIUM_PATH, or the first one on the PATH. Throws when there is none. */
export function findChromium(): string {
  const given = process.env['CHROMIUM_PATH'];
  if (given !== undefined && given !== '') return given;
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  for (const path of names.flatMap((name) => folders.map((folder) => join(folder, name))))
    if (isExecutable(path)) return path;
  throw new Error('there is no Chromium: install chromium-headless-shell, or set CHROMIUM_PATH');
}

/** A headless browser that leaves its traces below `home` and calls nobody. */
export function launchBrowser(home: string): Promise<Browser> {
  return chromium.launch({
    executablePath: findChromium(),
    headless: true,
    // Its sandbox needs what root and most containers do not have; it opens nothing but our own server.
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--disable-dev-shm-usage',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
    env: { ...definedEnvironment(), HOME: home },
  });
}

function definedEnvironment(): Record<string, string> {
  const entries = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return Object.fromEntries(entries);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
