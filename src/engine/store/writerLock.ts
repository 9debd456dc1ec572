import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OrchestratorError } from '../ports/errors.ts';
import { readOwnerRecord, removeOwnerRecord, writeOwnerRecord } from './ownerRecord.ts';

export interface WriterLock {
  release(): Promise<void>;
}

const idFile = 'orchestrator.db.id';

// Of macOS, not among Node's constants: the kernel's flock, taken with the open.
const darwinExclusiveLock = 0x20;

/**
 * Makes this process the only writer of a storage folder until `release` or its death, kill -9 included. The kernel holds
 * the lock: there is no heartbeat to miss, so a holder that sleeps for a night is still the holder in the morning.
 * Makes the folder when absent. Linux: an abstract socket; Windows: a named pipe; macOS: a locked file. All three listen, and `onConnection` gets who
 * connects. Throws `environment` naming the holder when there is one.
 */
export async function acquireWriterLock(
  directory: string,
  holder: string,
  onConnection: (socket: Socket) => void = (socket) => socket.destroy(),
): Promise<WriterLock> {
  const endpoint = endpointOf(prepare(directory));
  const lockedFile = process.platform === 'darwin' ? lockFile(directory, endpoint) : null;
  const connections = new Set<Socket>();
  const server = createServer((socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
    onConnection(socket);
  });
  const release = async (): Promise<void> => {
    if (server.listening) {
      removeOwnerRecord(directory);
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      // A server is closed only when its last connection is.
      for (const socket of connections) socket.destroy();
      await closed;
    }
    if (lockedFile !== null) closeSync(lockedFile);
  };
  try {
    await listen(server, endpoint, directory);
    // The lock alone is no reason for the process to stay.
    server.unref();
    writeOwnerRecord(directory, holder);
  } catch (error) {
    await release();
    throw error;
  }
  return { release };
}

/** Makes the folder and its lock's id, if need be; returns the id. */
function prepare(directory: string): string {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    return lockId(directory);
  } catch (error) {
    if (error instanceof OrchestratorError) throw error;
    const words = error instanceof Error ? error.message : String(error);
    throw new OrchestratorError('environment', `The storage ${directory} can not be used: ${words}`, {
      remedy: 'Choose a folder that you may write to, on a local disk.',
      cause: error,
    });
  }
}

/** Connects to the process that holds the storage, to its `onConnection`; null when nobody does. */
export async function connectToHolder(directory: string): Promise<Socket | null> {
  const path = join(directory, idFile);
  if (!existsSync(path)) return null;
  const endpoint = endpointOf(readId(path));
  return new Promise((resolve, reject) => {
    const socket = connect({ path: endpoint });
    const refused = (error: Error): void => {
      if (hasCode(error, 'ECONNREFUSED') || hasCode(error, 'ENOENT')) resolve(null);
      else reject(error);
    };
    socket.once('error', refused);
    socket.once('connect', () => {
      socket.off('error', refused);
      resolve(socket);
    });
  });
}

/** Random, so that the name of the lock follows the folder and nobody else can take it first. */
function lockId(directory: string): string {
  const path = join(directory, idFile);
  const own = join(directory, `${idFile}.${randomBytes(8).toString('hex')}`);
  writeFileSync(own, randomBytes(16).toString('hex'), { mode: 0o600 });
  try {
    // A link appears whole or not at all, and never replaces: two processes that come first together agree on one id.
    linkSync(own, path);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  } finally {
    rmSync(own);
  }
  return readId(path);
}

function readId(path: string): string {
  const id = readFileSync(path, 'utf8');
  if (!/^[0-9a-f]{32}$/.test(id)) {
    throw new OrchestratorError('environment', `${path} is damaged.`, {
      remedy: `Make sure no other orchestrator uses the folder, then delete ${path}.`,
    });
  }
  return id;
}

function endpointOf(id: string): string {
  if (process.platform === 'win32') return `\\\\.\\pipe\\orchestrator-${id}`;
  if (process.platform === 'darwin') return join(tmpdir(), `orchestrator-${id.slice(0, 16)}.sock`);
  // Padded to the full 107 bytes: Node 20 pads a shorter name with NULs and Node 24 does not, and the two would not collide.
  return `\0${`orchestrator-${id}`.padEnd(107, '.')}`;
}

function lockFile(directory: string, endpoint: string): number {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NONBLOCK | darwinExclusiveLock;
  try {
    const fd = openSync(join(directory, 'orchestrator.db.lock'), flags, 0o600);
    // Left by a killed holder; ours to remove, as we hold the lock.
    rmSync(endpoint, { force: true });
    return fd;
  } catch (error) {
    throw hasCode(error, 'EAGAIN') ? inUse(directory) : error;
  }
}

function listen(server: Server, endpoint: string, directory: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      // Windows says EACCES when the pipe belongs to another user's process.
      reject(hasCode(error, 'EADDRINUSE') || hasCode(error, 'EACCES') ? inUse(directory) : error);
    });
    server.listen({ path: endpoint, exclusive: true }, resolve);
  });
}

function inUse(directory: string): OrchestratorError {
  const owner = readOwnerRecord(directory);
  const who = owner === null ? 'another process' : `${owner.holder} (process ${owner.pid}: ${owner.command})`;
  return new OrchestratorError('environment', `The storage ${directory} is in use by ${who}.`, {
    remedy: 'Work in that window, or close it (or stop that process) and try again.',
  });
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
