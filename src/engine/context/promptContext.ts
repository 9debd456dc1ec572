import { join } from 'node:path';
import type { Digest } from '../domain/ids.ts';
import { writeWhole } from '../process/runDirectory.ts';
import { tagged } from './render.ts';

/** A text that a stage reads: a rendered bundle, a diff, a test report. */
export interface ContextPart {
  readonly name: string;
  readonly digest: Digest | null;
  readonly text: string;
}

/** Characters of context put into a prompt itself: about 40,000 tokens, which leaves every model room to work. */
const inlineLimit = 160_000;
/** Of a part that goes in as a file, this much stands in the prompt. */
const excerptLength = 8_000;

/**
 * The parts as text for the prompt, nothing left out: what does not fit is written whole as a file into `folder` and
 * named in the prompt with an excerpt; the folder exists. `seenAs` turns a host path into the path the agent reads.
 */
export async function placeContext(
  parts: readonly ContextPart[],
  folder: string,
  seenAs: (hostPath: string) => string,
): Promise<string> {
  const texts: string[] = [];
  let room = inlineLimit;
  for (const part of parts) {
    if (part.text.length <= room) {
      room -= part.text.length;
      texts.push(tagged(part.name, part.digest, part.text));
      continue;
    }
    const path = join(folder, `${part.name}.md`);
    await writeWhole(path, part.text);
    const excerpt = part.text.slice(0, Math.min(excerptLength, room));
    room -= excerpt.length;
    texts.push(
      tagged(
        part.name,
        part.digest,
        `This is the beginning; the whole (${part.text.length} characters) is in the file ${seenAs(path)}. Read that file.\n\n${excerpt}`,
      ),
    );
  }
  return texts.join('\n\n');
}
