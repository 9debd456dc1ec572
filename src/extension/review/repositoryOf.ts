import type { WorktreeManager } from '../../engine/worktrees/worktreeManager.ts';
import { OrchestratorError } from '../../engine/ports/errors.ts';
import { loadEngine } from '../loadEngine.ts';
import type { Session } from '../session.ts';

/** Git on the folder's repository, for reading. Throws `bad-input` when the window has none. */
export function repositoryOf(session: Session): { readonly manager: WorktreeManager; readonly path: string } {
  const path = session.repositoryPath;
  if (path === null) {
    throw new OrchestratorError('bad-input', 'This window has no git repository open.', {
      remedy: 'Open a folder of a git repository.',
    });
  }
  const { WorktreeManager: Manager } = loadEngine();
  // Nothing is made here, so where worktrees would go does not matter.
  return { manager: new Manager({ repositoryPath: path, worktreesDir: path }), path };
}
