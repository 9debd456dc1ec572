import { describe, expect, test } from 'vitest';
import { OrchestratorError } from '../../../src/engine/ports/errors.ts';
import { problemBody, problemOf } from '../../../src/engine/server/problem.ts';

const storage = '/home/someone/.local/state/orchestrator/abc';
const secret = 'sk-ant-not-a-real-key-0123456789';

function told(message: string, remedy?: string): ReturnType<typeof problemBody> {
  const error = new OrchestratorError('environment', message, remedy === undefined ? {} : { remedy });
  const problem = problemOf(error, ['', storage, secret]);
  if (problem === null) throw new Error('it was told to nobody');
  return problemBody(problem);
}

describe('what an error says to a client', () => {
  test.each([
    [`ENOENT: no such file or directory, open '${storage}/orchestrator.db'`, "open '…/orchestrator.db'"],
    ['EACCES: permission denied, mkdir "/var/lib/my own/place"', 'mkdir "…"'],
    ['Cannot write /tmp/orch-1/file: no space left.', 'write …: no'],
    ['See (/etc/passwd) and </home/someone/.ssh/id_rsa>.', '(…) and <…>.'],
    ['It lies in C:\\Users\\someone\\thing.', 'in ….'],
    ['fatal: not a git repository: /srv/git/project.git', 'repository: …'],
    [`The key ${secret} was refused.`, 'key … was'],
    ['cwd=/home/someone/project', 'cwd=…'],
  ])('holds no path and no secret: %s', (message, kept) => {
    const { detail } = told(message);
    expect(detail).toContain(kept);
    expect(detail).not.toMatch(/someone|own|orch-1|passwd|id_rsa|project|sk-ant/);
    expect(told('It failed.', message)).toMatchObject({ detail: 'It failed.', remedy: detail });
  });

  test.each(['Branch feature/one has moved on.', 'Send `application/json`.', 'It is done to 1/2.'])(
    'keeps what is no path of this machine: %s',
    (message) => {
      expect(told(message).detail).toBe(message);
    },
  );

  test('of a defect is nothing', () => {
    expect(problemOf(new Error(storage), [])).toBeNull();
    expect(problemOf(new OrchestratorError('internal', storage), [])).toBeNull();
  });
});
