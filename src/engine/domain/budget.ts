import type { Failure } from './outcome.ts';
import type { QueueReason, Task } from './task.ts';
import { totalCostUsd } from './task.ts';

/** What the task may still spend before a person is asked, in US dollars: 0 or less = nothing. Null without a budget. */
export function budgetLeftUsd(task: Task): number | null {
  const { maxBudgetUsd } = task.settings;
  return maxBudgetUsd === null ? null : maxBudgetUsd - (totalCostUsd(task) - task.budgetFromUsd);
}

export function isBudgetSpent(task: Task): boolean {
  const left = budgetLeftUsd(task);
  return left !== null && left <= 0;
}

/** Whether this move of a person lets a task whose budget is spent have as much again: they were told, and want it to go on. */
export function allowsAnotherBudget(task: Task, reason: QueueReason): boolean {
  const { phase } = task;
  const wasTold = phase.type === 'attention' && phase.failure.code === 'budget';
  return wasTold && ['retry', 'advanced', 'sent-back'].includes(reason) && isBudgetSpent(task);
}

/** The failure of a task whose budget is spent. */
export function budgetSpent(task: Task, costUsd = totalCostUsd(task)): Failure {
  const [spent, budget] = [costUsd, task.settings.maxBudgetUsd ?? 0].map((usd) => usd.toFixed(2));
  return {
    code: 'budget',
    message: `The task has spent its budget of $${budget}; it has cost $${spent} in all.`,
    remedy: `Retry it to let it spend $${budget} more, give it another budget in its settings, or cancel it.`,
  };
}
