import { html, nothing, type TemplateResult } from 'lit/html.js';
import type { TaskGroup } from '../../../src/engine/protocol/taskGroups.ts';
import { iconButton } from '../components/controls.ts';
import { whole } from '../format.ts';
import type { BoardState, Passage } from './boardState.ts';
import { groupNames } from './groupNames.ts';

/** More passages at once are counted, not named. */
const mostNamed = 3;

/** What a screen reader is told of cards that went on by themselves or were moved. */
export function spoken(passages: readonly Passage[]): string {
  if (passages.length > mostNamed) return `${whole(passages.length)} tasks moved.`;
  return passages
    .map(({ card, from }) => `${card.title}: from ${groupNames[from]} to ${groupNames[card.group]}.`)
    .join(' ');
}

/** Why a move was not made, until it is dismissed or the next one is. */
export function refusalNotice(why: string | null, dismiss: () => void): TemplateResult {
  return html`<div class="problems" role="alert">
    ${
      why === null
        ? nothing
        : html`<div class="refusal">
            <span class="codicon codicon-warning" aria-hidden="true"></span>
            <span class="said">${why}</span>
            ${iconButton({ label: 'Dismiss', icon: 'close', onClick: dismiss })}
          </div>`
    }
  </div>`;
}

const totalOf = ({ columns }: BoardState, wanted: TaskGroup): number =>
  columns.find(({ group }) => group === wanted)?.total ?? 0;

/** Also where nobody looks at the page: a tab tells that somebody is waited for. */
export function tabTitle(state: BoardState): string {
  const waiting = totalOf(state, 'needs-you');
  return waiting === 0 ? 'Orchestrator' : `(${whole(waiting)}) Orchestrator`;
}

/** The day in a line. On a phone, who waits for a person is some screens down: `showWaiting` goes there. */
export function summary(state: BoardState, showWaiting: () => void): TemplateResult {
  const running = [...state.cards.values()].filter(({ runningSince }) => runningSince !== null).length;
  const waiting = totalOf(state, 'needs-you');
  return html`<span class="note summary"
    >${whole(running)} running · ${whole(totalOf(state, 'queued'))} queued ·
    ${
      waiting === 0
        ? 'none needs you'
        : html`<button class="link" @click=${showWaiting}>
            ${whole(waiting)} ${waiting === 1 ? 'needs' : 'need'} you
          </button>`
    }</span
  >`;
}
