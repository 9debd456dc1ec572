// The bundler makes the page's style sheet of it.
// oxlint-disable-next-line import/no-unassigned-import
import './inspector.css';
import { parseSavedState } from '../../src/engine/protocol/inspector.ts';
import { registerInspectorComponents } from './components/register.ts';
import { InspectorApp } from './inspectorApp.ts';
import { vsCodeApi } from './vscodeApi.ts';

const root = document.getElementById('page');
const place = parseSavedState({ taskId: document.body.dataset['task'] });
if (root !== null && place !== null) {
  registerInspectorComponents();
  const app = new InspectorApp(root, vsCodeApi(), place.taskId);
  window.addEventListener('message', ({ data }: MessageEvent<unknown>) => app.channel.receive(data));
  app.start();
}
