import type { Stage } from '../domain/stage.ts';
import { implementation } from './implementation.ts';
import { qa } from './qa.ts';
import { specification } from './specification.ts';
import type { StageDefinition } from './stageDefinition.ts';

export const definitions: Readonly<Record<Stage, StageDefinition>> = { specification, implementation, qa };
