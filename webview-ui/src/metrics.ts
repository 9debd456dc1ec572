// The bundler makes the page's style sheet of it.
// oxlint-disable-next-line import/no-unassigned-import
import './metrics.css';
import { html, render } from 'lit/html.js';
import {
  parseMetricsHostMessage,
  type MetricsPageMessage,
} from '../../src/engine/protocol/inspectorMetrics.ts';
import { metricsPage } from './metricsPage.ts';
import { unavailable } from './pages/unavailable.ts';
import { vsCodeApi } from './vscodeApi.ts';
import { l10n } from './l10n.ts';

const root = document.getElementById('page');
const api = vsCodeApi();
const post = (message: MetricsPageMessage): void => api.postMessage(message);

window.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
  const message = parseMetricsHostMessage(data);
  if (message === null || root === null) return;
  render(
    message.type === 'metrics'
      ? metricsPage(message.view, (taskId) => post({ type: 'open-task', taskId }))
      : unavailable(message),
    root,
  );
});

if (root !== null) render(html`<main><p role="status">${l10n.t('Measuring…')}</p></main>`, root);
// The panel is restored after a reload when the page has saved something.
api.setState({});
post({ type: 'ready' });
