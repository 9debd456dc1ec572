import type { Store } from '../../src/engine/ports/store.ts';
import type { SqlStore } from '../../src/engine/store/sqlStore.ts';

/** The real store on a real file, in this thread instead of a worker's. */
export function inProcessStore(store: SqlStore): Store {
  const later =
    <Args extends readonly unknown[], Result>(call: (...args: Args) => Result) =>
    (...args: Args): Promise<Result> =>
      Promise.resolve().then(() => call(...args));
  return {
    load: later(() => store.load()),
    commit: later((transition) => store.commit(transition)),
    task: later((id) => store.task(id)),
    taskIdsWithPrefix: later((prefix, limit) => store.taskIdsWithPrefix(prefix, limit)),
    tasks: later((page) => store.tasks(page)),
    bundle: later((digest) => store.bundle(digest)),
    bundles: later((id) => store.bundles(id)),
    audit: later((query) => store.audit(query)),
    verifyAudit: () => Promise.reject(new Error('not part of these tests')),
    damage: later(() => store.damage()),
    importArchive: later((path, now) => store.importArchive(path, now)),
    close: later(() => store.close()),
  };
}
