import * as v from 'valibot';
import { settingsFields } from '../settings.ts';

// What the local server takes. Its OpenAPI document is made from these; what it answers is in `protocol/serverApi.ts`.

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A task's id, in either case. */
const taskIdText = v.pipe(v.string(), v.toLowerCase(), v.regex(uuid, 'must be the UUID of a task'));

/** `{task id}.{stage}-{attempt}`; with a slash for the dot, as the command line names a run, it is taken as well. */
const stageIdText = v.pipe(
  v.string(),
  v.regex(
    /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}[./](specification|implementation|qa)-[1-9]\d{0,5}$/,
    'must be the id of a stage, as GET /api/orchestrator/stages/{task_id} tells it',
  ),
);

/** A number in a query. */
const natural = (most: number) =>
  v.pipe(
    v.string(),
    v.regex(/^\d{1,15}$/, 'must be a whole number'),
    v.transform(Number),
    v.maxValue(most, `must be at most ${most}`),
  );

const longestTitle = 500;
const longestText = 512 * 1024;

const title = v.pipe(v.string(), v.maxLength(longestTitle, `must have at most ${longestTitle} characters`));
const longText = v.pipe(v.string(), v.maxLength(longestText, `must have at most ${longestText} characters`));
const priority = v.pipe(v.number(), v.safeInteger('must be a whole number'));

const unknownKey =
  'is not known here; isolation, image, claudePath and allowedTools are decided where the server is started';

const {
  isolation: _isolation,
  claudePath: _claudePath,
  image: _image,
  stages: _stages,
  ...fields
} = settingsFields.task;
const { allowedTools: _allowedTools, ...stageFields } = settingsFields.stage;
const stageSettings = v.strictObject(stageFields, unknownKey);

/** The settings file's schema, without what decides which program runs on this machine and with which rights. */
const requestSettings = v.strictObject(
  {
    ...fields,
    stages: v.exactOptional(
      v.strictObject(
        {
          specification: v.exactOptional(stageSettings),
          implementation: v.exactOptional(stageSettings),
          qa: v.exactOptional(stageSettings),
        },
        unknownKey,
      ),
    ),
  },
  unknownKey,
);

export const taskParam = v.strictObject({ task_id: taskIdText });
export const stageParam = v.strictObject({ id: stageIdText });
export const contextParam = v.strictObject({
  task_id: taskIdText,
  digest: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in lower-case hex')),
});

export const pageQuery = v.object({
  limit: v.optional(natural(1_000), '100'),
  offset: v.optional(natural(Number.MAX_SAFE_INTEGER), '0'),
});
export const auditQuery = v.object({
  task_id: v.exactOptional(taskIdText),
  after: v.optional(natural(Number.MAX_SAFE_INTEGER), '0'),
  limit: v.optional(natural(1_000), '100'),
});
export const projectQuery = v.object({
  project_id: v.pipe(v.string(), v.toLowerCase(), v.regex(uuid, 'must be a UUID')),
});

export const newTaskBody = v.strictObject({
  title,
  description: v.optional(longText, ''),
  priority: v.optional(priority, 0),
  settings: v.optional(requestSettings, {}),
});
export const startBody = v.strictObject({
  task_id: v.exactOptional(taskIdText),
  initial_prompt: v.optional(longText, ''),
});
export const noteBody = v.strictObject({ note: longText });
export const acceptBody = v.strictObject({
  strategy: v.optional(v.picklist(['squash', 'merge', 'none']), 'squash'),
});
export const changeBody = v.pipe(
  v.strictObject({ priority: v.exactOptional(priority), settings: v.exactOptional(requestSettings) }),
  v.check(
    ({ priority: number, settings }) => number !== undefined || settings !== undefined,
    'names nothing to change: give a priority, settings, or both',
  ),
);
export const ticketBody = v.strictObject({ access: v.optional(v.picklist(['read', 'move']), 'move') });
