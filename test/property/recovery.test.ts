import * as fc from 'fast-check';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { maxExecuting } from '../../src/engine/domain/allocation.ts';
import type { Command, PersonCommand, ReportCommand } from '../../src/engine/domain/commands.ts';
import { isFinal } from '../../src/engine/domain/task.ts';
import { OrchestratorService } from '../../src/engine/orchestratorService.ts';
import { silentLogger } from '../../src/engine/ports/logger.ts';
import { SqlStore } from '../../src/engine/store/sqlStore.ts';
import { DomainWorld } from '../support/domainWorld.ts';
import { moves } from '../support/domainMoves.ts';
import { inProcessStore } from '../support/inProcessStore.ts';
import { RecordingEffects } from '../support/recordingEffects.ts';
import { SteppedClock } from '../support/steppedClock.ts';
import { wasmPath } from '../support/storeFixtures.ts';

/** One life of an engine after another, on one storage folder. */
class Lives {
  readonly effects: RecordingEffects;
  private readonly store: SqlStore;
  private readonly service: OrchestratorService;

  private constructor(store: SqlStore, service: OrchestratorService, effects: RecordingEffects) {
    this.store = store;
    this.service = service;
    this.effects = effects;
  }

  static async begin(directory: string, clock: SteppedClock, atMost: number): Promise<Lives> {
    const store = await SqlStore.open({ directory, repositoryPath: '/r', projectName: 'r', wasmPath });
    const service = await OrchestratorService.open({
      store: inProcessStore(store),
      clock,
      logger: silentLogger,
      drive: 'all',
      atMost,
    });
    const effects = new RecordingEffects();
    await service.start(effects);
    return new Lives(store, service, effects);
  }

  /** The engine is gone without a word; what was committed is there. */
  end(): void {
    this.store.close();
  }

  async command(command: Exclude<Command, { type: 'admit' }>): Promise<void> {
    if (command.type === 'import') await this.service.importTasks(command);
    else if (isPersonal(command)) await this.service.dispatch(command);
    else await this.service.report(command);
  }

  /** The person changes how many may execute. */
  limit(atMost: number): Promise<void> {
    return this.service.limit(atMost);
  }

  loaded() {
    return this.store.load();
  }
}

const personal = new Set([
  'edit-specification',
  'set-priority',
  'change-settings',
  'release-container',
  'create',
  'approve',
  'advance',
  'retry',
  'send-back',
  'pause',
  'resume',
  'cancel',
  'accept',
]);
const isPersonal = (command: PersonCommand | ReportCommand): command is PersonCommand =>
  personal.has(command.type);

describe('an engine that dies after any commit', () => {
  it('is followed by one with the same state and the same open effects', async () => {
    await fc.assert(
      fc.asyncProperty(
        moves,
        fc.array(fc.nat({ max: 25 }), { minLength: 1, maxLength: 6 }),
        async (sequence, gaps) => {
          const world = new DomainWorld();
          for (const move of sequence) world.move(move);
          const directory = await mkdtemp(join(tmpdir(), 'orch-'));
          const clock = new SteppedClock(0);
          let atMost = maxExecuting;
          let life = await Lives.begin(directory, clock, atMost);
          try {
            let untilDeath = gaps[0] ?? 0;
            for (const [index, { command, at }] of world.commands.entries()) {
              clock.set(at);
              if (command.type === 'admit') {
                if (command.atMost !== undefined && command.atMost !== atMost) {
                  atMost = command.atMost;
                  await life.limit(atMost);
                }
                continue;
              }
              await life.command(command);
              untilDeath -= 1;
              if (untilDeath >= 0) continue;
              untilDeath = gaps[index % gaps.length] ?? 0;
              life.end();
              life = await Lives.begin(directory, clock, atMost);
            }
            const { tasks, allocation, effects } = life.loaded();
            const open = [...world.state.tasks.values()].filter((task) => !isFinal(task));
            expect(tasks.toSorted(byId)).toEqual(open.toSorted(byId));
            expect(allocation).toEqual(world.state.allocation);
            expect(effects.map(({ key }) => key).toSorted()).toEqual([...world.outbox.keys()].toSorted());
            expect([...life.effects.open.keys()].toSorted()).toEqual([...world.outbox.keys()].toSorted());
          } finally {
            life.end();
            await rm(directory, { recursive: true });
          }
        },
      ),
      { numRuns: 12 },
    );
  }, 120_000);
});

const byId = (a: { readonly id: string }, b: { readonly id: string }): number => (a.id < b.id ? -1 : 1);
