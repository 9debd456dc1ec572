import type * as vscode from 'vscode';
import type { TaskId } from '../../engine/domain/ids.ts';
import type { InspectorPage } from '../../engine/protocol/inspector.ts';
import type { Session } from '../session.ts';
import { webviewsOf } from './registerWebviews.ts';

/** Shows the inspector of a task, on a page of it; one panel for each task. */
export function openInspector(
  _context: vscode.ExtensionContext,
  session: Session,
  taskId: TaskId,
  page?: InspectorPage,
): void {
  webviewsOf(session).inspectors.show(taskId, page);
}
