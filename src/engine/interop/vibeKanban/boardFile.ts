import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { OrchestratorError } from '../../ports/errors.ts';
import type { BoardPage, BoardProject } from './board.ts';
import { type BoardReply, nextPage } from './boardProtocol.ts';
import { copyDatabase, type DatabaseCopy } from './databaseCopy.ts';

/** No board takes a page that long; a file made to keep SQLite busy does. */
const longestSilenceMs = 120_000;

/** A board's database, read from a copy in a thread of its own. The file itself is only ever copied. */
export class BoardFile {
  readonly projects: readonly BoardProject[];
  /** The file that was copied, links followed. */
  readonly source: string;
  private readonly copy: DatabaseCopy;
  private readonly worker: Worker;

  private constructor(copy: DatabaseCopy, worker: Worker, projects: readonly BoardProject[]) {
    this.copy = copy;
    this.source = copy.source;
    this.worker = worker;
    this.projects = projects;
  }

  /** `distFolder`: of the built program, with the thread's script and the wasm. */
  static async open(path: string, distFolder: string, silenceMs = longestSilenceMs): Promise<BoardFile> {
    const copy = await copyDatabase(path);
    const { directory, name } = copy;
    const worker = new Worker(join(distFolder, 'boardWorker.js'), {
      workerData: { directory, name, wasmPath: join(distFolder, 'sql-wasm.wasm') },
      env: {},
      execArgv: [],
    });
    try {
      const opened = await answerOf(worker, copy.source, silenceMs);
      if (opened.type !== 'opened') throw new Error('the thread that reads the board did not open it');
      return new BoardFile(copy, worker, opened.projects);
    } catch (error) {
      await worker.terminate();
      await copy.remove();
      throw error;
    }
  }

  /** Every task of the board, in the order they were made. Once. */
  async *pages(): AsyncGenerator<BoardPage, void> {
    for (;;) {
      const answer = answerOf(this.worker, this.source, longestSilenceMs);
      this.worker.postMessage(nextPage);
      const reply = await answer;
      if (reply.type !== 'page' || reply.page === null) return;
      yield reply.page;
    }
  }

  async close(): Promise<void> {
    await this.worker.terminate();
    await this.copy.remove();
  }
}

/** The thread's next answer; its failures name the file that the person gave. */
function answerOf(
  worker: Worker,
  source: string,
  silenceMs: number,
): Promise<Exclude<BoardReply, { type: 'failed' }>> {
  return new Promise((resolve, reject) => {
    const fail = (message: string, options: { readonly remedy?: string } = {}): void =>
      settle(() =>
        reject(new OrchestratorError('bad-input', `${source} cannot be imported. ${message}`, options)),
      );
    const timer = setTimeout(() => fail(`Reading it took longer than ${silenceMs / 1000} s.`), silenceMs);
    const onMessage = (reply: BoardReply): void => {
      if (reply.type !== 'failed') settle(() => resolve(reply));
      else if (reply.isInput) fail(reply.message, reply.remedy === undefined ? {} : { remedy: reply.remedy });
      else settle(() => reject(new Error(reply.message)));
    };
    const onError = (error: unknown): void =>
      fail(`Reading it failed: ${error instanceof Error ? error.message : String(error)}`);
    const onExit = (): void => fail('Reading it ended early.');
    const settle = (then: () => void): void => {
      clearTimeout(timer);
      worker.off('message', onMessage).off('error', onError).off('exit', onExit);
      then();
    };
    worker.on('message', onMessage).on('error', onError).on('exit', onExit);
  });
}
