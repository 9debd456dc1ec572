import type { BoardPage, BoardProject } from './board.ts';

/** From the thread that reads a board: `opened` comes by itself, each page when it is asked for, null after the last. */
export type BoardReply =
  | { readonly type: 'opened'; readonly projects: readonly BoardProject[] }
  | { readonly type: 'page'; readonly page: BoardPage | null }
  | {
      readonly type: 'failed';
      readonly isInput: boolean;
      readonly message: string;
      readonly remedy?: string;
    };

/** The one thing to ask of it. */
export const nextPage = 'next';
