import { beforeEach, expect, test, vi } from 'vitest';
import {
  copyEventServerAddress,
  startEventServer,
  stopEventServer,
} from '../../../../src/extension/commands/eventServer.ts';
import { EventServer } from '../../../../src/extension/eventServer.ts';
import { Messages } from '../../../../src/extension/messages.ts';
import { person } from '../../../support/fakeVscode.ts';

vi.mock('vscode', () => import('../../../support/fakeVscode.ts'));

beforeEach(() => person.reset());

/** Servers as they are started and closed. */
class Servers {
  readonly log: string[] = [];
  refusal: Error | null = null;
  readonly server = new EventServer(() => {
    if (this.refusal !== null) return Promise.reject(this.refusal);
    const number = this.log.push('started');
    const close = (): Promise<void> => {
      this.log.push('closed');
      return Promise.resolve();
    };
    return Promise.resolve({ url: `http://127.0.0.1:${4000 + number}`, token: 'secret', close });
  });
}

/** The person's answer to the toast that is on the screen. */
async function press(button: string | undefined): Promise<void> {
  await vi.waitFor(() => expect(person.open.size).toBe(1));
  for (const answer of person.open.values()) answer(button);
}

test('is started once, tells its address, and gives the token to whoever asks for it alone', async () => {
  const { server, log } = new Servers();
  const starting = startEventServer(server)();
  await press('Copy Token');
  await starting;
  expect(person.clipboard).toBe('secret');
  expect(person.told[0]).toContain('http://127.0.0.1:4001');
  expect(person.told[0]).not.toContain('secret');

  await copyEventServerAddress(server)();
  expect(person.clipboard).toBe('http://127.0.0.1:4001');
  const again = startEventServer(server)();
  await press(undefined);
  await again;
  expect(log).toEqual(['started']);
});

test('is closed when it is stopped, and can be started again', async () => {
  const { server, log } = new Servers();
  await server.start();
  await stopEventServer(server, new Messages())();
  await expect(copyEventServerAddress(server)()).rejects.toThrow('does not run');
  await expect(stopEventServer(server, new Messages())()).rejects.toThrow('does not run');
  expect((await server.start()).url).toBe('http://127.0.0.1:4003');
  expect(log).toEqual(['started', 'closed', 'started']);
});

test('makes way for another when its settings change, and does not start for that', async () => {
  const { server, log } = new Servers();
  await server.restart();
  expect(log).toEqual([]);
  await server.start();
  await server.restart();
  expect((await server.running())?.url).toBe('http://127.0.0.1:4003');
  expect(log).toEqual(['started', 'closed', 'started']);
});

test('that could not start is tried again', async () => {
  const servers = new Servers();
  servers.refusal = new Error('The port is taken.');
  await expect(startEventServer(servers.server)()).rejects.toThrow('The port is taken.');
  expect(await servers.server.stop()).toBe(false);
  servers.refusal = null;
  expect((await servers.server.start()).token).toBe('secret');
});
