import { createHash } from 'node:crypto';
import { digestOf, type Digest } from '../domain/ids.ts';
import type { Bundle } from './bundle.ts';

/** A bundle's stored form: JSON with sorted keys, so equal bundles are equal bytes, and the SHA-256 of its UTF-8. */
export function sealBundle(bundle: Bundle): { readonly body: string; readonly digest: Digest } {
  const body = canonicalJson(bundle);
  return { body, digest: digestOfBody(body) };
}

export function digestOfBody(body: string): Digest {
  return digestOf(createHash('sha256').update(body, 'utf8').digest('hex'));
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : inner,
  );
}
