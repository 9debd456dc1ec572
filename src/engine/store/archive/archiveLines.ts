import { TextDecoder } from 'node:util';
import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { OrchestratorError } from '../../ports/errors.ts';
import {
  archiveFormat,
  archiveHeadSchema,
  type ArchiveLine,
  archiveLineSchema,
} from '../../protocol/archive.ts';
import { fileLines } from './fileLines.ts';

/**
 * The lines of an export from its header up to its end, each by the schema; throws `bad-input` at the first that is not
 * right, and when the end is missing, is not the end, or tells another digest than that of the lines before it.
 */
export function* archiveLines(fd: number): Generator<Exclude<ArchiveLine, { type: 'end' }>, string> {
  const digest = createHash('sha256');
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let count = 0;
  let end: { readonly sha256: string } | null = null;
  for (const { bytes, isEnded } of fileLines(fd)) {
    if (end !== null) throw bad('it goes on after its end');
    if (!isEnded) throw cut();
    const line = parse(() => decoder.decode(bytes), count);
    if (line.type === 'end') {
      const sha256 = digest.digest('hex');
      if (line.lines !== count || line.sha256 !== sha256)
        throw bad('it is not as it was written: its digest is another');
      end = { sha256 };
      continue;
    }
    digest.update(bytes).update('\n');
    count += 1;
    yield line;
  }
  if (end === null) throw cut();
  return end.sha256;
}

function parse(text: () => string, count: number): ArchiveLine {
  const number = count + 1;
  let value: unknown;
  try {
    value = JSON.parse(text());
  } catch {
    throw count === 0 ? notOurs() : bad(`line ${number} is not JSON in UTF-8`);
  }
  if (count === 0) {
    const head = v.safeParse(archiveHeadSchema, value);
    if (!head.success) throw notOurs();
    if (head.output.format !== archiveFormat) {
      throw new OrchestratorError(
        'bad-input',
        `It was written by a newer Orchestrator Manager: its format is ${head.output.format}, this one reads ${archiveFormat}.`,
        { remedy: 'Update Orchestrator Manager, and import it then.' },
      );
    }
  }
  const parsed = v.safeParse(archiveLineSchema, value);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw bad(`line ${number} is not right (${v.getDotPath(issue) ?? 'type'}: ${issue.message})`);
  }
  if ((count === 0) !== (parsed.output.type === 'orchestrator-export'))
    throw bad(`line ${number} stands in the wrong place`);
  return parsed.output;
}

function notOurs(): OrchestratorError {
  return new OrchestratorError('bad-input', 'It is no export of Orchestrator Manager.', {
    remedy:
      'Give a file that `orchestrator export` wrote; a Vibe Kanban board is taken over by `orchestrator import-vibe-kanban`.',
  });
}

/** The error for an export that is damaged; nothing of it was taken in. */
export function bad(why: string): OrchestratorError {
  return new OrchestratorError('bad-input', `The export is damaged: ${why}.`, {
    remedy: 'Copy it again, or export anew. Nothing was imported.',
  });
}

function cut(): OrchestratorError {
  return bad('it is cut off, its last line is missing');
}
