// A program of its own, so that its work is nobody's whose CPU time is measured: `node model.mjs HOST`. Prints its port, ends with its standard input.
import { playedModel, type Script } from '../../test/support/playedModel.ts';
import { ScriptedMessagesApi } from '../../test/support/scriptedMessagesApi.ts';
import { marker } from '../harness/task.ts';

/** Does the least that takes a task through all stages: every ms of a model is a ms in which nothing of ours shows. */
const script: Script = {
  marker,
  specification: {
    actions: [],
    markdown: '# A file\n\nThere is a file `made.txt`.',
    criteria: ['made.txt exists.'],
  },
  implementation: [
    { actions: [{ type: 'write', path: 'made.txt', content: 'made\n' }], summary: 'Made the file.' },
  ],
  qa: [{ actions: [], summary: 'The file is there.' }],
};

const api = await new ScriptedMessagesApi({
  model: playedModel([script]),
  host: process.argv[2] ?? '127.0.0.1',
}).start();
process.stdout.write(`${api.port}\n`);
process.stdin.on('end', () => process.exit(0)).resume();
