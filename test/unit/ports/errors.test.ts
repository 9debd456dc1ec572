import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { failureOf } from '../../../src/engine/ports/errors.ts';

describe('a thrown thing as a failure', () => {
  it.runIf(process.platform === 'linux')('is a full disk where the system says so', async () => {
    const error: unknown = await writeFile('/dev/full', 'something').catch((thrown: unknown) => thrown);
    expect(failureOf(error)).toEqual({
      code: 'disk-full',
      message: expect.stringContaining('ENOSPC'),
      remedy: 'Make room on the disk, then retry.',
    });
  });

  it('is a defect where nobody knows it', () => {
    expect(failureOf(new Error('strange'))).toEqual({ code: 'internal', message: 'strange' });
  });
});
