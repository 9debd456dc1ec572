import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The files of `dist/webview` that the page loads, and nothing else of that folder. */
const fileTypes = new Map([
  ['board.js', 'text/javascript; charset=utf-8'],
  ['board.css', 'text/css; charset=utf-8'],
  ['codicon.css', 'text/css; charset=utf-8'],
  ['codicon.ttf', 'font/ttf'],
]);

/** What every answer of the page carries, so that no other site can frame, read or sniff it. */
const commonHeaders: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

export interface PageAnswer {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array<ArrayBuffer>;
}

/** The page at `/`. It holds no data and no secret: its token comes with the address and stays in the browser. `nonce`: base64, of this one loading. */
export function boardPage(nonce: string): PageAnswer {
  const policy = [
    `default-src 'none'`,
    `script-src 'nonce-${nonce}'`,
    // The component library fills an empty style element through the DOM: this is the hash of nothing.
    `style-src 'self' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='`,
    `font-src 'self'`,
    `img-src 'self' data:`,
    // Tickets, and the WebSocket of the same host and port.
    `connect-src 'self'`,
    `base-uri 'none'`,
    `form-action 'none'`,
    `frame-ancestors 'none'`,
  ].join('; ');
  return {
    headers: {
      ...commonHeaders,
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy,
      'cache-control': 'no-store',
    },
    body: `<!DOCTYPE html>
<html lang="en" class="standalone">
<head>
<meta charset="UTF-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Orchestrator</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/board/codicon.css">
<link rel="stylesheet" href="/board/board.css">
</head>
<body>
<div id="page"></div>
<script nonce="${nonce}" src="/board/board.js"></script>
</body>
</html>`,
  };
}

/** A file of the page, at `/board/{name}`; null for any other name. `folder`: `dist/webview`. */
export async function boardFile(folder: string, name: string): Promise<PageAnswer | null> {
  const type = fileTypes.get(name);
  if (type === undefined) return null;
  const body = new Uint8Array(await readFile(join(folder, name)));
  return {
    headers: { ...commonHeaders, 'content-type': type, 'cache-control': 'no-cache' },
    body,
  };
}
