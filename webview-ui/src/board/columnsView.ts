import { repeat } from 'lit/directives/repeat.js';
import { html, nothing, type TemplateResult } from 'lit/html.js';
import {
  longestColumn,
  type BoardAction,
  type BoardCard,
  type BoardLook,
  limitOf,
} from '../../../src/engine/protocol/board.ts';
import type { TaskGroup } from '../../../src/engine/protocol/taskGroups.ts';
import { note } from '../components/text.ts';
import { duration, spokenDuration, stageNames, usd, whole } from '../format.ts';
import { actionLabels, standing } from '../pages/header.ts';
import type { CardId, ShownColumn } from './boardState.ts';
import type { Drop } from './dropMove.ts';
import { groupNames } from './groupNames.ts';

/** What the columns are drawn from, and whom they tell. */
export interface ColumnsView {
  readonly columns: readonly ShownColumn[];
  readonly look: BoardLook;
  readonly now: number;
  /** The card that Tab stops at. */
  readonly stop: CardId | null;
  /** Nothing can be moved: there is no connection, or the board is for reading. */
  readonly isStill: boolean;
  /** Cards whose move is on its way. */
  readonly moving: ReadonlySet<CardId>;
  readonly dragged: BoardCard | null;
  readonly dropOf: (card: BoardCard, to: TaskGroup) => Drop;
  readonly onOpen: (id: CardId) => void;
  readonly onFocus: (id: CardId) => void;
  readonly onKey: (event: KeyboardEvent, id: CardId) => void;
  readonly onAct: (card: BoardCard, action: BoardAction) => void;
  readonly onMoves: (card: BoardCard) => void;
  readonly onMore: (group: TaskGroup) => void;
  readonly onDrag: (card: BoardCard | null) => void;
  readonly onDrop: (group: TaskGroup) => void;
}

/** The columns, each a named list of cards. */
export function columns(view: ColumnsView): TemplateResult {
  return html`<div class="columns">${view.columns.map((column) => columnOf(column, view))}</div>`;
}

function columnOf(column: ShownColumn, view: ColumnsView): TemplateResult {
  const { group, cards } = column;
  const drop = view.dragged === null ? null : view.dropOf(view.dragged, group);
  const mood = drop === null || drop.type === 'nothing' ? '' : drop.type === 'move' ? ' takes' : ' refuses';
  return html`<section
    class="column${cards.length === 0 ? ' empty' : ''}${mood}"
    data-group=${group}
    aria-labelledby="column-${group}"
    @dragover=${(event: DragEvent) => {
      // Also where a card is not taken: dropping it there tells why.
      if (view.dragged !== null) event.preventDefault();
    }}
    @drop=${(event: DragEvent) => {
      event.preventDefault();
      view.onDrop(group);
    }}
  >
    <h2 id="column-${group}">
      ${groupNames[group]} <span class="count">${countOf(column)}<span class="unseen"> tasks</span></span>
    </h2>
    ${
      cards.length === 0
        ? nothing
        : html`<ul aria-label="${groupNames[group]}, ${countOf(column)} tasks">
            ${repeat(
              cards,
              ({ id }) => id,
              (card) => cardOf(card, view),
            )}
          </ul>`
    }
    ${moreOf(column, view)}
  </section>`;
}

const clockTime = (at: number): string =>
  new Date(at).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' });

const countOf = ({ found, total }: ShownColumn): string =>
  found === total ? whole(total) : `${whole(found)} of ${whole(total)}`;

function moreOf({ group, found, cards }: ShownColumn, view: ColumnsView): TemplateResult | typeof nothing {
  const rest = found - cards.length;
  if (rest <= 0) return nothing;
  if (limitOf(view.look, group) >= longestColumn)
    return note(`And ${whole(rest)} more: filter to find them.`);
  return html`<button
    class="more"
    aria-label="Show more of ${groupNames[group]} (${whole(rest)})"
    @click=${() => view.onMore(group)}
  >
    Show more (${whole(rest)})
  </button>`;
}

function cardOf(card: BoardCard, view: ColumnsView): TemplateResult {
  const { id, title, reason, until, group } = card;
  const isStop = id === view.stop;
  const isMoving = view.moving.has(id);
  const tabindex = isStop ? '0' : '-1';
  const [first] = card.actions;
  const waits = group === 'needs-you' || group === 'completed';
  const isDisabled = view.isStill || isMoving;
  return html`<li
    class="card phase-${card.phase}"
    draggable=${isDisabled || card.actions.length === 0 ? 'false' : 'true'}
    aria-busy=${isMoving ? 'true' : 'false'}
    @dragstart=${(event: DragEvent) => {
      event.dataTransfer?.setData('text/plain', title);
      view.onDrag(card);
    }}
    @dragend=${() => view.onDrag(null)}
    @click=${() => view.onOpen(id)}
    @focusin=${() => view.onFocus(id)}
    @keydown=${(event: KeyboardEvent) => view.onKey(event, id)}
  >
    <div class="head">
      <button class="open" data-card=${id} tabindex=${tabindex} aria-describedby="facts-${id}">
        ${title}
      </button>
      ${
        card.actions.length === 0
          ? nothing
          : html`<button
              class="moves codicon codicon-ellipsis"
              tabindex=${tabindex}
              aria-label="Moves of ${title}"
              aria-haspopup="dialog"
              title="Moves"
              ?disabled=${isDisabled}
              @click=${(event: Event) => {
                event.stopPropagation();
                view.onMoves(card);
              }}
            ></button>`
      }
    </div>
    <div id="facts-${id}" class="facts-line">${facts(card, view.now)}</div>
    ${reason === null || !tellsMore(card) ? nothing : html`<p class="why">${reason}${until === null ? '' : ` Goes on at ${clockTime(until)}.`}</p>`}
    ${
      first === undefined || !waits
        ? nothing
        : html`<button
            class="act"
            tabindex=${tabindex}
            aria-label="${actionLabels[first].label}: ${title}"
            ?disabled=${isDisabled}
            @click=${(event: Event) => {
              event.stopPropagation();
              view.onAct(card, first);
            }}
          >
            <span class="codicon codicon-${actionLabels[first].icon}" aria-hidden="true"></span>
            ${first === 'accept' ? 'Accept' : actionLabels[first].label}
          </button>`
    }
  </li>`;
}

/** The others' standing says it all. */
const tellsMore = ({ phase }: BoardCard): boolean => ['backoff', 'parked', 'attention'].includes(phase);

function facts(card: BoardCard, now: number): TemplateResult {
  const { stage, group, attempt, runningSince, workedMs, costUsd, port, phase } = card;
  const time = runningSince === null ? workedMs : now - runningSince;
  const isOver = ['completed', 'merging', 'done', 'cancelled'].includes(phase);
  // The column says it already, unless it is not one of a stage.
  const showsStage = !isOver && group !== stage && (group !== 'queued' || attempt !== null);
  return html`${standing(card)} ${showsStage ? html`<span>${stageNames[stage]}</span>` : nothing}
  ${attempt === null || isOver ? nothing : html`<span><span class="unseen">attempt </span><span aria-hidden="true">#</span>${attempt}</span>`}
  ${
    time === 0
      ? nothing
      : html`<span class="number"
          ><span aria-hidden="true">${duration(time)}</span
          ><span class="unseen">${spokenDuration(time)}</span></span
        >`
  }
  ${costUsd === 0 ? nothing : html`<span class="number">${usd(costUsd)}</span>`}
  ${port === null ? nothing : html`<span class="number"><span class="unseen">port </span><span aria-hidden="true">:</span>${port}</span>`}`;
}
