// The bundler makes the page's style sheet of it.
// oxlint-disable-next-line import/no-unassigned-import
import './board.css';
import { BoardApp } from './board/boardApp.ts';
import { SocketConnection } from './board/socketConnection.ts';
import { followColorScheme } from './board/standaloneTheme.ts';
import { VsCodeConnection } from './board/vsCodeConnection.ts';
import { registerInspectorComponents } from './components/register.ts';

const root = document.getElementById('page');
if (root !== null) {
  registerInspectorComponents();
  const isInVsCode = 'acquireVsCodeApi' in globalThis;
  if (!isInVsCode) followColorScheme();
  new BoardApp(root, isInVsCode ? new VsCodeConnection() : new SocketConnection()).start();
}
