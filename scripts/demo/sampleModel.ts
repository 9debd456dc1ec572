import { playedModel } from '../../test/support/playedModel.ts';
import { featureRequest } from '../../test/support/sampleRepository.ts';
import { sampleScript } from '../../test/support/sampleScript.ts';
import type { PlayModel } from '../../test/support/scriptedMessagesApi.ts';

/** The scripted model of the demo, at a pace a person can follow. */
export function sampleModel(): PlayModel {
  return playedModel([sampleScript(featureRequest.title, 'right-at-once')], {
    stepDelayMs: 350,
    chunkDelayMs: 4,
  });
}
