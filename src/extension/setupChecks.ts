import { join } from 'node:path';
import { DockerIsolation } from '../engine/allocation/dockerIsolation.ts';
import { ProcessIsolation } from '../engine/allocation/processIsolation.ts';
import type { IsolationKind } from '../engine/domain/task.ts';
import { OrchestratorError } from '../engine/ports/errors.ts';
import type { Isolation } from '../engine/ports/isolation.ts';
import { silentLogger } from '../engine/ports/logger.ts';
import { execute } from '../engine/process/exec.ts';
import { storageId } from '../engine/storagePaths.ts';
import { systemClock } from '../engine/systemClock.ts';
import { WorktreeManager } from '../engine/worktrees/worktreeManager.ts';

export interface SetupRequest {
  readonly folder: string | null;
  /** Storage folder, or any other: nothing is written. */
  readonly storage: string;
  readonly distFolder: string;
  readonly containerFolder: string;
  readonly isolation: IsolationKind;
  readonly image: string | null;
  readonly dockerHost: string | null;
  readonly claudePath: string | null;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** What a run needs, each by name. */
export type SetupPart = 'git' | 'repository' | 'docker' | 'claude' | 'sign-in';

export interface SetupResult {
  readonly part: SetupPart;
  readonly ok: boolean;
  /** What was found, or what is wrong. */
  readonly detail: string;
  readonly remedy: string | null;
}

/** Looks at everything a run needs; a part that fails does not keep the others from being looked at. */
export async function checkSetup(request: SetupRequest): Promise<readonly SetupResult[]> {
  // What is wrong with a container's Claude Code is wrong with its image, and told of that.
  const whereItRuns =
    request.isolation === 'docker'
      ? [
          check('docker', () => checkIsolation(request)),
          check('claude', () => Promise.resolve('It comes with the container image.')),
        ]
      : [check('claude', () => checkIsolation(request))];
  return Promise.all([
    check('git', async () => (await execute('git', ['--version'])).stdout.trim()),
    check('repository', () => checkRepository(request)),
    ...whereItRuns,
    check('sign-in', () => checkSignIn(request)),
  ]);
}

async function check(part: SetupPart, look: () => Promise<string>): Promise<SetupResult> {
  try {
    return { part, ok: true, detail: await look(), remedy: null };
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    const remedy = OrchestratorError.is(error) ? (error.remedy ?? null) : null;
    return { part, ok: false, detail, remedy };
  }
}

async function checkRepository({ folder, storage }: SetupRequest): Promise<string> {
  if (folder === null) {
    throw new OrchestratorError('bad-input', 'No folder is open.', {
      remedy: 'Open a folder of a git repository.',
    });
  }
  const worktrees = new WorktreeManager({ repositoryPath: folder, worktreesDir: join(storage, 'worktrees') });
  const { topLevel, head } = await worktrees.repository();
  return `${topLevel}, at ${head.commit.slice(0, 12)}`;
}

async function checkIsolation(request: SetupRequest): Promise<string> {
  const isolation = isolationOf(request);
  try {
    const { image, claudePath, environment } = request;
    await isolation.check({
      image,
      claudePath,
      baseUrl: environment['ANTHROPIC_BASE_URL'] ?? null,
    });
    return request.isolation === 'docker'
      ? 'The Docker engine answers; the image is there or can be built.'
      : 'Claude Code is there and new enough.';
  } finally {
    await isolation.close();
  }
}

function isolationOf({
  isolation,
  storage,
  distFolder,
  containerFolder,
  dockerHost,
}: SetupRequest): Isolation {
  const common = { clock: systemClock, logger: silentLogger };
  return isolation === 'docker'
    ? new DockerIsolation({
        ...common,
        storageId: storageId(storage),
        buildContext: containerFolder,
        address: dockerHost,
        onProgress: () => {},
      })
    : new ProcessIsolation({
        ...common,
        supervisorPath: join(distFolder, 'supervisor.js'),
        nodePath: process.execPath,
        leasesDir: join(storage, 'leases'),
      });
}

async function checkSignIn({ environment, isolation }: SetupRequest): Promise<string> {
  const names = ['ANTHROPIC_API_KEY', 'ANTHROPIC_AUTH_TOKEN', 'CLAUDE_CODE_OAUTH_TOKEN'];
  const found = names.find((name) => (environment[name] ?? '') !== '');
  if (found !== undefined) return `${found} is set.`;
  const own = isolation === 'process' ? ' A login made with `claude` itself works too.' : '';
  throw new OrchestratorError('authentication', 'No API key or token is known.', {
    remedy: `Sign in with an API key, or with a token from \`claude setup-token\`.${own}`,
  });
}
