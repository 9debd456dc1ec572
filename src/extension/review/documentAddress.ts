/** Scheme of the read-only documents. */
export const documentScheme = 'orchestrator';

/** What a read-only document shows. Both never change: a digest and a commit are what they name. */
export type DocumentAddress =
  | { readonly type: 'context'; readonly digest: string; readonly name: string }
  | { readonly type: 'file'; readonly commit: string; readonly path: string };

interface UriParts {
  readonly scheme: string;
  readonly authority: string;
  readonly path: string;
  readonly query: string;
}

/**
 * The path is what a tab shows, and its ending chooses the language. The version is the query: two versions of a file
 * have one path, or a comparison would call it renamed.
 */
export function documentUri(address: DocumentAddress): UriParts {
  const [version, shown] =
    address.type === 'context'
      ? [address.digest, `${fileName(address.name)}.md`]
      : [address.commit, address.path];
  return { scheme: documentScheme, authority: address.type, path: `/${shown}`, query: version };
}

/** Null for what `documentUri` never makes: anyone can ask VS Code to open an address. */
export function parseDocumentUri({ scheme, authority, path, query }: UriParts): DocumentAddress | null {
  const shown = path.slice(1);
  if (scheme !== documentScheme || shown === '' || !/^[0-9a-f]{40,64}$/.test(query)) return null;
  if (authority === 'file') return { type: 'file', commit: query, path: shown };
  if (authority !== 'context' || query.length !== 64) return null;
  return { type: 'context', digest: query, name: shown.replace(/\.md$/, '') };
}

/** A title as the name of a file: nothing that separates folders, or that a tab could not show. */
export function fileName(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are exactly what is taken out
  const name = text.replaceAll(/[\u0000-\u001f\u007f-\u009f\\/:*?"<>|#%]+/g, ' ').trim();
  return name === '' ? 'context' : name;
}
