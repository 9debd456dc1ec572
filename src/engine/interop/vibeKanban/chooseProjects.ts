import { OrchestratorError } from '../../ports/errors.ts';
import type { BoardProject } from './board.ts';

/** A project, and why its tasks are taken or not. */
export interface ProjectChoice {
  readonly project: BoardProject;
  readonly isTaken: boolean;
  /** A sentence, with the folder to run the import in where there is one; null when it is taken. */
  readonly reason: string | null;
}

/**
 * The projects whose tasks belong into this storage: the one that was asked for by name or id, or those whose repository
 * is the storage's. `belongs` tells that of a path; null = there is no repository at that path.
 */
export async function chooseProjects(
  projects: readonly BoardProject[],
  wanted: string | null,
  belongs: (path: string) => Promise<boolean | null>,
): Promise<readonly ProjectChoice[]> {
  if (wanted !== null) {
    const named = projectNamed(projects, wanted);
    return projects.map((project) =>
      project === named
        ? { project, isTaken: true, reason: null }
        : { project, isTaken: false, reason: 'Another project was asked for.' },
    );
  }
  return Promise.all(
    projects.map(async (project) => {
      const places = await Promise.all(
        project.repositoryPaths.map(async (path) => ({ path, belongs: await belongs(path) })),
      );
      const isTaken = places.some((place) => place.belongs === true);
      return { project, isTaken, reason: isTaken ? null : reasonOf(places) };
    }),
  );
}

function reasonOf(places: readonly { readonly path: string; readonly belongs: boolean | null }[]): string {
  const elsewhere = places.filter((place) => place.belongs === false).map(({ path }) => path);
  if (elsewhere.length > 0)
    return `It is of another repository: run the import there, with --repo ${elsewhere.join(' or ')}.`;
  const gone = places.map(({ path }) => path).join(', ');
  return places.length === 0
    ? 'It names no repository: take it with --project.'
    : `There is no repository at ${gone}: take it with --project.`;
}

function projectNamed(projects: readonly BoardProject[], wanted: string): BoardProject {
  const found = projects.filter(
    ({ id, name }) => name === wanted || (wanted.length >= 4 && id.startsWith(wanted.toLowerCase())),
  );
  const [project] = found;
  if (project !== undefined && found.length === 1) return project;
  throw new OrchestratorError(
    'bad-input',
    found.length === 0
      ? `The board has no project "${wanted}".`
      : `More than one project of the board is called "${wanted}".`,
    {
      remedy: `It has: ${projects.map(({ id, name }) => `${name} (${id.slice(0, 8)})`).join(', ')}. Give the name or the beginning of the id.`,
    },
  );
}
