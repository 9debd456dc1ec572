import * as v from 'valibot';
import type { TaskId } from '../../engine/domain/ids.ts';
import { taskIdSchema } from '../../engine/protocol/taskSchema.ts';
import { fileName } from './documentAddress.ts';

/** Scheme of the specifications that a person edits. Named by `onFileSystem:` in package.json too. */
export const specificationScheme = 'orchestrator-specification';

interface UriParts {
  readonly scheme: string;
  readonly authority: string;
  readonly path: string;
  readonly query: string;
}

/** The one that waits for approval: not a version of it, so that a tab stays the same over its edits. */
export function specificationUri(taskId: TaskId, title: string): UriParts {
  return { scheme: specificationScheme, authority: '', path: `/${taskId}/${fileName(title)}.md`, query: '' };
}

/** Null for what `specificationUri` never makes: anyone can ask VS Code to open an address. */
export function parseSpecificationUri({ scheme, path }: Pick<UriParts, 'scheme' | 'path'>): TaskId | null {
  const id = /^\/([^/]+)\/[^/]+\.md$/.exec(path)?.[1];
  const parsed = v.safeParse(taskIdSchema, id);
  return scheme === specificationScheme && parsed.success ? parsed.output : null;
}
