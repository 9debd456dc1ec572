import {
  parseHostMessage,
  type Answer,
  type AnswerTo,
  type HostMessage,
  type PageMessage,
  type Question,
} from '../../src/engine/protocol/inspector.ts';
import type { VsCodeApi } from './vscodeApi.ts';

interface Pending {
  readonly question: Question;
  readonly settle: (answer: Answer) => void;
}

/** The page's end of the channel: questions get their answers back, everything else goes to the listener. */
export class HostChannel {
  private readonly api: Pick<VsCodeApi, 'postMessage'>;
  private readonly onMessage: (message: Exclude<HostMessage, { type: 'answer' }>) => void;
  private readonly pending = new Map<number, Pending>();
  private lastId = 0;

  constructor(
    api: Pick<VsCodeApi, 'postMessage'>,
    onMessage: (message: Exclude<HostMessage, { type: 'answer' }>) => void,
  ) {
    this.api = api;
    this.onMessage = onMessage;
  }

  post(message: Exclude<PageMessage, { type: 'ask' }>): void {
    this.api.postMessage(message);
  }

  /** Rejects with the host's words when it has no answer. */
  ask<Asked extends Question>(question: Asked): Promise<AnswerTo<Asked['type']>> {
    this.lastId += 1;
    const id = this.lastId;
    return new Promise((resolve, reject) => {
      const settle = (answer: Answer): void => {
        if (answer.type === question.type) resolve(answer as AnswerTo<Asked['type']>);
        else
          reject(new Error(answer.type === 'failed' ? answer.message : 'The answer is to another question.'));
      };
      this.pending.set(id, { question, settle });
      this.api.postMessage({ type: 'ask', id, question });
    });
  }

  /** Asks again what was not answered: the host that was asked is gone, and another one listens. */
  askAgain(): void {
    for (const [id, { question }] of this.pending) this.api.postMessage({ type: 'ask', id, question });
  }

  /** A message as it came: what is not one of the host's is dropped. */
  receive(data: unknown): void {
    const message = parseHostMessage(data);
    if (message === null) return;
    if (message.type !== 'answer') {
      this.onMessage(message);
      return;
    }
    const asked = this.pending.get(message.id);
    this.pending.delete(message.id);
    asked?.settle(message.answer);
  }
}
