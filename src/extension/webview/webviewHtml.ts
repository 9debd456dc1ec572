export type WebviewName = 'board' | 'inspector' | 'metrics';

/** The HTML of a page: its script and styles from the extension, and nothing from anywhere else. */
export function webviewHtml(page: {
  readonly name: WebviewName;
  readonly title: string;
  readonly taskId?: string;
  /** Base64, of this one loading. */
  readonly nonce: string;
  readonly cspSource: string;
  /** BCP 47 tag of the person's language. */
  readonly language: string;
  /** The page's words in that language, by the English ones; null for English. */
  readonly strings: Readonly<Record<string, string>> | null;
  /** The address of a file of `dist/webview`. */
  readonly resource: (file: string) => string;
}): string {
  const { name, title, taskId = '', nonce, cspSource, language, strings, resource } = page;
  const csp = [
    `default-src 'none'`,
    `script-src 'nonce-${nonce}'`,
    // The toolkit writes style elements and attributes of its own.
    `style-src ${cspSource} 'unsafe-inline'`,
    `img-src ${cspSource}`,
    `font-src ${cspSource}`,
    `base-uri 'none'`,
    `form-action 'none'`,
  ].join('; ');
  return `<!DOCTYPE html>
<html lang="${escaped(language)}">
<head>
<meta charset="UTF-8">
<meta http-equiv="Content-Security-Policy" content="${escaped(csp)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<link rel="stylesheet" href="${escaped(resource('codicon.css'))}">
<link rel="stylesheet" href="${escaped(resource(`${name}.css`))}">
</head>
<body data-task="${escaped(taskId)}">
<div id="page"></div>
${strings === null ? '' : stringTable(strings)}<script nonce="${nonce}" src="${escaped(resource(`${name}.js`))}"></script>
</body>
</html>`;
}

/** Data, which no browser runs; nothing in it can end its element. */
function stringTable(strings: Readonly<Record<string, string>>): string {
  return `<script type="application/json" id="l10n">${JSON.stringify(strings).replaceAll('<', '\\u003c')}</script>\n`;
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
