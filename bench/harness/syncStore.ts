import type { Store, Transition } from '../../src/engine/ports/store.ts';
import type { SqlStore } from '../../src/engine/store/sqlStore.ts';

/** The store of this thread behind the port's promises; `onCommit` hears every transition first. */
export function asStore(store: SqlStore, onCommit: (transition: Transition) => void): Store {
  return {
    load: async () => store.load(),
    commit: async (transition) => {
      onCommit(transition);
      return store.commit(transition);
    },
    task: async (id) => store.task(id),
    taskIdsWithPrefix: async (prefix, limit) => store.taskIdsWithPrefix(prefix, limit),
    tasks: async (page) => store.tasks(page),
    bundle: async (digest) => store.bundle(digest),
    bundles: async (taskId) => store.bundles(taskId),
    audit: async (query) => store.audit(query),
    verifyAudit: async () => store.verifyAudit(),
    damage: async () => store.damage(),
    importArchive: async (path, now) => store.importArchive(path, now),
    close: async () => store.close(),
  };
}
