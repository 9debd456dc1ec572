import type { TaskId } from '../../src/engine/domain/ids.ts';
import { OrchestratorService } from '../../src/engine/orchestratorService.ts';
import { silentLogger } from '../../src/engine/ports/logger.ts';
import type { Store } from '../../src/engine/ports/store.ts';
import { systemClock } from '../../src/engine/systemClock.ts';
import { InstantEffects } from './instantEffects.ts';
import { newTask } from './task.ts';

/** An engine whose effects succeed at once, driving only the tasks it is given: whoever else waits stays where it is. */
export class Lives {
  readonly service: OrchestratorService;
  private readonly driven: TaskId[];
  private transitions = 0;

  private constructor(service: OrchestratorService, driven: TaskId[]) {
    this.service = service;
    this.driven = driven;
    service.subscribe(({ type }) => {
      if (type === 'committed') this.transitions += 1;
    });
  }

  static async open(store: Store): Promise<Lives> {
    const driven: TaskId[] = [];
    const service = await OrchestratorService.open({
      store,
      clock: systemClock,
      logger: silentLogger,
      drive: driven,
    });
    await service.start(new InstantEffects((command, bundles) => service.report(command, bundles)));
    return new Lives(service, driven);
  }

  /** Takes a new task from its request to its end, and returns how many transitions that took. */
  async live(): Promise<number> {
    const before = this.transitions;
    const { id, command, bundles } = newTask({});
    this.driven.splice(0, 1, id);
    const { service } = this;
    const created = await service.dispatch(command, bundles);
    await service.until(() => service.task(id)?.phase.type === 'completed');
    const ended = await service.dispatch({ type: 'cancel', taskId: id });
    if (created !== null || ended !== null) throw new Error((created ?? ended)?.message);
    await service.settled(id);
    return this.transitions - before;
  }
}
