import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { configuration } from './fakeVscode.ts';

interface Manifest {
  readonly contributes: {
    readonly configuration: readonly {
      readonly properties: Readonly<Record<string, { default: unknown }>>;
    }[];
  };
}

/** The settings of a person who has changed none: the manifest's defaults. */
export function useDefaultConfiguration(): void {
  const manifest = JSON.parse(
    readFileSync(resolve(import.meta.dirname, '../../package.json'), 'utf8'),
  ) as Manifest;
  configuration.clear();
  for (const { properties } of manifest.contributes.configuration)
    for (const [name, { default: value }] of Object.entries(properties))
      configuration.set(name.replace('orchestrator.', ''), value);
}
