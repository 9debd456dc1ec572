// `npm run l10n`: the words of the extension and of its webview pages in l10n/bundle.l10n.json, for translators.
import { getL10nJson } from '@vscode/l10n-dev';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The exporter looks at what comes from `vscode` or its twin for pages; ours does the same in a few lines. */
const ownModule = /(from\s+)'[./]*l10n\.ts'/;

async function wordsOf(folder) {
  const names = await readdir(join(root, folder), { recursive: true });
  return Promise.all(
    names
      .filter((name) => name.endsWith('.ts'))
      .map(async (name) => {
        const text = await readFile(join(root, folder, name), 'utf8');
        return { extension: '.ts', contents: text.replace(ownModule, "$1'@vscode/l10n'") };
      }),
  );
}

const files = [...(await wordsOf('src/extension')), ...(await wordsOf('webview-ui/src'))];
const words = await getL10nJson(files);
await mkdir(join(root, 'l10n'), { recursive: true });
await writeFile(join(root, 'l10n', 'bundle.l10n.json'), `${JSON.stringify(words, null, 2)}\n`);
process.stdout.write(`${Object.keys(words).length} texts in l10n/bundle.l10n.json\n`);
