import type { QaBundle } from '../../engine/context/bundle.ts';

/** A finding of QA with where to show it. */
export interface FindingPlace {
  /** Repository-relative with slashes; null: on the report itself. */
  readonly path: string | null;
  /** From 0. */
  readonly line: number;
  readonly severity: QaBundle['findings'][number]['severity'];
  readonly message: string;
}

/** Findings with places that can be trusted: a path that leaves the repository, or a line that is none, is not used. */
export function findingPlaces({ findings }: Pick<QaBundle, 'findings'>): readonly FindingPlace[] {
  return findings.map(({ file, line, severity, message }) => {
    const path = file === null ? null : insidePath(file);
    const isLine = path !== null && line !== null && Number.isSafeInteger(line) && line >= 1;
    return {
      path,
      line: isLine ? Math.min(line, 10_000_000) - 1 : 0,
      severity,
      // The place is part of what was said where it cannot be shown.
      message: path === null && file !== null ? `${message} (${file})` : message,
    };
  });
}

function insidePath(path: string): string | null {
  const parts = path.replaceAll('\\', '/').split('/');
  const isAbsolute = path.startsWith('/') || path.startsWith('\\') || /^[A-Za-z]:/.test(path);
  // oxlint-disable-next-line no-control-regex -- no file of a repository that a person knows of has one
  if (isAbsolute || parts.includes('..') || /[\u0000-\u001f]/.test(path)) return null;
  const kept = parts.filter((part) => part !== '' && part !== '.');
  return kept.length === 0 || kept[0]?.toLowerCase() === '.git' ? null : kept.join('/');
}
