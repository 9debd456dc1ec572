import * as vscode from 'vscode';
import { type CommandId, commandIds, configurationSection, walkthroughId } from '../contributions/ids.ts';
import { openQaReport, openSpecification } from '../review/openDocuments.ts';
import { showChanges } from '../review/showChanges.ts';
import { openInspector } from '../webview/openInspector.ts';
import { openMetrics } from '../webview/openMetrics.ts';
import { webviewsOf } from '../webview/registerWebviews.ts';
import { accept } from './accept.ts';
import { exportAudit, verifyAudit } from './audit.ts';
import { copyEventServerAddress, startEventServer, stopEventServer } from './eventServer.ts';
import { importBoard } from './importBoard.ts';
import { cleanUpWorktrees } from './cleanUp.ts';
import type { CommandBody, CommandContext } from './context.ts';
import { compareContexts } from './compareContexts.ts';
import { editSpecification } from './editSpecification.ts';
import { cancel, simpleMove } from './moves.ts';
import {
  newTask,
  newTaskFromMarkdown,
  newTaskFromSelection,
  newTaskFromTodo,
  newTasksFromChecklist,
} from './newTask.ts';
import { openApp, openOfTask, openWorktree, openWorktreeTerminal } from './openTask.ts';
import { moveInQueue, setPriority } from './priority.ts';
import { createPullRequest } from './pullRequest.ts';
import { releaseContainer } from './releaseContainer.ts';
import { registerCommand } from './runCommand.ts';
import { answerQuestions, sendBack } from './sendBack.ts';
import { checkSetup } from './setup.ts';
import { signIn, signOut } from './signIn.ts';
import { updateSettings } from './updateSettings.ts';

/** Every command but those of the tree's filter, which `registerViews` registers with its tree. */
export function registerCommands(context: CommandContext): vscode.Disposable {
  const { extension, session } = context;
  const bodies: Readonly<
    Record<Exclude<CommandId, 'orchestrator.filterTasks' | 'orchestrator.clearFilter'>, CommandBody>
  > = {
    [commandIds.newTask]: newTask(context),
    [commandIds.newTaskFromSelection]: newTaskFromSelection(context),
    [commandIds.newTaskFromTodo]: newTaskFromTodo(context),
    [commandIds.newTaskFromMarkdown]: newTaskFromMarkdown(context),
    [commandIds.newTasksFromChecklist]: newTasksFromChecklist(context),
    [commandIds.start]: simpleMove(context, 'resume', 'start'),
    [commandIds.approve]: simpleMove(context, 'approve', 'approve'),
    [commandIds.advance]: simpleMove(context, 'advance', 'advance'),
    [commandIds.retry]: simpleMove(context, 'retry', 'retry'),
    [commandIds.pause]: simpleMove(context, 'pause', 'pause'),
    [commandIds.resume]: simpleMove(context, 'resume', 'resume'),
    [commandIds.cancel]: cancel(context),
    [commandIds.setPriority]: setPriority(context),
    [commandIds.updateSettings]: updateSettings(context),
    [commandIds.moveUp]: moveInQueue(context, -1),
    [commandIds.moveDown]: moveInQueue(context, 1),
    [commandIds.releaseContainer]: releaseContainer(context),
    [commandIds.editSpecification]: editSpecification(context),
    [commandIds.sendBack]: sendBack(context),
    [commandIds.answerQuestions]: answerQuestions(context),
    [commandIds.accept]: accept(context),
    [commandIds.createPullRequest]: createPullRequest(context),
    [commandIds.openInspector]: openOfTask(context, (_, taskId) => openInspector(extension, session, taskId)),
    [commandIds.openSpecification]: openOfTask(context, openSpecification),
    [commandIds.openQaReport]: openOfTask(context, openQaReport),
    [commandIds.showChanges]: openOfTask(context, showChanges),
    [commandIds.compareContexts]: compareContexts(context),
    [commandIds.openWorktree]: openWorktree(context),
    [commandIds.openWorktreeTerminal]: openWorktreeTerminal(context),
    [commandIds.openApp]: openApp(context),
    [commandIds.cleanUpWorktrees]: cleanUpWorktrees(context),
    [commandIds.verifyAudit]: verifyAudit(context),
    [commandIds.exportAudit]: exportAudit(context),
    [commandIds.showMetrics]: async () => {
      await session.engine();
      openMetrics(extension, session);
    },
    [commandIds.openBoard]: async () => {
      await session.engine();
      webviewsOf(session).board.show();
    },
    [commandIds.importBoard]: importBoard(context),
    [commandIds.startEventServer]: startEventServer(context.eventServer),
    [commandIds.stopEventServer]: stopEventServer(context.eventServer, context.messages),
    [commandIds.copyEventServerAddress]: copyEventServerAddress(context.eventServer),
    [commandIds.checkSetup]: checkSetup(context),
    [commandIds.signIn]: signIn(context),
    [commandIds.signOut]: signOut(context),
    [commandIds.showLog]: async () => context.log.show(),
    [commandIds.openSettings]: async () => {
      await vscode.commands.executeCommand(
        'workbench.action.openSettings',
        `@ext:${extension.extension.id} ${configurationSection}`,
      );
    },
    [commandIds.openWalkthrough]: async () => {
      await vscode.commands.executeCommand(
        'workbench.action.openWalkthrough',
        `${extension.extension.id}#${walkthroughId}`,
        false,
      );
    },
    [commandIds.tryAgain]: async () => {
      await session.engine();
    },
  };
  const registered = Object.entries(bodies).map(([id, body]) =>
    registerCommand(context, id as CommandId, body),
  );
  return vscode.Disposable.from(...registered);
}
