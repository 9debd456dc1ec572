import { OrchestratorFeed } from './orchestratorFeed.ts';
import { startServer } from './startServer.ts';

/** A bundle of its own: the host and the extension load it when someone asks for a server. */
export const server = { startServer, OrchestratorFeed } as const;

export type ServerBundle = typeof server;
