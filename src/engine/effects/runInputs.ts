import { parseBundle, type Bundle } from '../context/bundle.ts';
import { digestOfBody } from '../context/digest.ts';
import type { Run } from '../domain/task.ts';
import { OrchestratorError } from '../ports/errors.ts';
import type { Store } from '../ports/store.ts';
import type { StageContext } from '../stages/stageDefinition.ts';
import type { StageRunRequest } from '../stages/stageRunRequest.ts';

type Inputs = StageRunRequest['inputs'];

/** The bundles behind the recorded digests, proven to be those very bytes. */
export async function inputsOf(store: Store, run: Run): Promise<Inputs> {
  return Promise.all(
    run.inputDigests.map(async (digest) => {
      const stored = await store.bundle(digest);
      if (stored === null)
        throw new OrchestratorError('internal', `The context ${digest} is missing from the database.`);
      if (digestOfBody(stored.body) !== digest) {
        throw new OrchestratorError('internal', `The context ${digest} was changed in the database.`, {
          remedy: 'Restore the database from a backup.',
        });
      }
      return { digest, bundle: parseBundle(stored.body) };
    }),
  );
}

export function contextOf(inputs: Inputs): StageContext {
  const find = <Type extends Bundle['type']>(type: Type): Extract<Bundle, { type: Type }> | null =>
    inputs
      .map(({ bundle }) => bundle)
      .find((bundle): bundle is Extract<Bundle, { type: Type }> => bundle.type === type) ?? null;
  const request = find('request');
  if (request === null)
    throw new OrchestratorError('internal', 'The run was recorded without the request as its context.');
  return {
    request,
    specification: find('specification'),
    implementation: find('implementation'),
    qa: find('qa'),
  };
}
