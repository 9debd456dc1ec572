import { html, nothing, render, type TemplateResult } from 'lit/html.js';
import {
  boardActions,
  columnStep,
  limitOf,
  longestColumn,
  parseBoardHostMessage,
  parseBoardPlace,
  type BoardAction,
  type BoardCard,
  type BoardHostMessage,
  type BoardLook,
  type BoardMove,
  type NoteDraft,
} from '../../../src/engine/protocol/board.ts';
import type { TaskGroup } from '../../../src/engine/protocol/taskGroups.ts';
import { iconButton, loading, textField } from '../components/controls.ts';
import { note } from '../components/text.ts';
import { unavailable } from '../pages/unavailable.ts';
import { actionLabels } from '../pages/header.ts';
import { emptyBoard, receiveBoard, type BoardState, type CardId } from './boardState.ts';
import { BackButton } from './backButton.ts';
import { nextCard, tabStop } from './cardFocus.ts';
import { columns } from './columnsView.ts';
import type { Connection, ConnectionState } from './connection.ts';
import { staleBanner, tokenForm } from './connectionView.ts';
import { dropMove } from './dropMove.ts';
import { MoveDialog } from './moveDialog.ts';
import { refusalNotice, spoken, summary, tabTitle } from './noticeViews.ts';
import { OpenInspector } from './openInspector.ts';

/** Somebody who types needs no answer to every letter. */
const filterPauseMs = 150;

/** The board: a function of what the host sent, of the connection, and of where the person is. */
export class BoardApp {
  private readonly connection: Connection;
  private readonly shell: HTMLElement;
  private readonly inspectorRoot: HTMLElement;
  private readonly dialog: MoveDialog;
  /** Null in VS Code, where a page has no history. */
  private readonly back: BackButton | null;
  private state: BoardState = emptyBoard;
  private standing: ConnectionState = { type: 'connecting' };
  private look: BoardLook = { find: '', limits: {} };
  /** What stands in the filter's field: ahead of what is looked at while somebody types. */
  private words = '';
  private inspector: OpenInspector | null = null;
  /** The note that is being written: VS Code unloads a page that is hidden. */
  private draft: NoteDraft | null = null;
  private focused: CardId | null = null;
  private isFocusWanted = false;
  private dragged: BoardCard | null = null;
  private readonly moving = new Map<number, BoardMove>();
  private lastMove = 0;
  private lastChannel = 0;
  private said = '';
  private problem: string | null = null;
  private filterTimer: ReturnType<typeof setTimeout> | undefined;
  private isDrawing = false;

  constructor(root: HTMLElement, connection: Connection) {
    this.connection = connection;
    this.shell = document.createElement('div');
    this.inspectorRoot = document.createElement('div');
    root.append(this.shell);
    this.dialog = new MoveDialog(
      root,
      (move) => this.make(move),
      (draft) => {
        this.draft = draft;
        this.keepPlace();
      },
    );
    this.back = connection.isBrowser ? new BackButton((id) => this.onPlace(id)) : null;
    const place = parseBoardPlace(connection.kept);
    if (place !== null) this.look = { find: place.find, limits: {} };
    this.words = this.look.find;
    this.draft = place?.draft ?? null;
    if (place?.inspector !== undefined) this.open(place.inspector.taskId, place.inspector);
  }

  start(): void {
    this.connection.start({
      onMessage: (message) => this.receive(message),
      onState: (state) => this.onConnection(state),
    });
    window.addEventListener('keydown', (event) => this.onEscape(event));
    // Times go on while something runs, and the next try comes closer; nothing else changes by itself.
    setInterval(() => {
      const isRunning = [...this.state.cards.values()].some(({ runningSince }) => runningSince !== null);
      if (isRunning || this.standing.type === 'lost') this.update();
    }, 1_000);
    this.update();
  }

  private onConnection(state: ConnectionState): void {
    const wasOpen = this.standing.type === 'open';
    this.standing = state;
    if (state.type === 'open') {
      this.connection.post({ type: 'ready', look: this.look });
      this.inspector?.connect();
      if (this.state.access !== null) this.said = 'Connected again.';
    } else if (wasOpen) {
      // Whether they were made, the next snapshot shows.
      this.moving.clear();
    }
    this.update();
  }

  private receive(data: unknown): void {
    const message = parseBoardHostMessage(data);
    if (message === null) return;
    switch (message.type) {
      case 'snapshot':
      case 'delta':
      case 'unavailable':
        this.take(message);
        return;
      case 'moved':
        this.onMoved(message.id, message.refusal);
        return;
      case 'inspector':
        this.inspector?.receive(message.channel, message.message);
        return;
      case 'beat':
        return;
    }
  }

  private take(message: Extract<BoardHostMessage, { type: 'snapshot' | 'delta' | 'unavailable' }>): void {
    const { state, isGap, passages } = receiveBoard(this.state, message);
    this.state = state;
    if (isGap) this.connection.post({ type: 'ready', look: this.look });
    if (passages.length > 0) this.said = spoken(passages);
    document.title = tabTitle(state);
    if (this.draft !== null && state.access === 'move' && !this.dialog.isOpen)
      this.dialog.askNote(this.draft);
    this.update();
  }

  private make(move: BoardMove): void {
    if (this.standing.type !== 'open') {
      this.refuse('There is no connection: nothing can be moved until it is back.');
      return;
    }
    this.lastMove += 1;
    this.moving.set(this.lastMove, move);
    this.problem = null;
    this.connection.post({ type: 'move', id: this.lastMove, move });
    this.update();
  }

  private onMoved(id: number, refusal: string | null): void {
    const move = this.moving.get(id);
    this.moving.delete(id);
    if (refusal !== null) this.refuse(refusal);
    else if (move !== undefined) this.said = `${actionLabels[move.type].label}: done.`;
    this.update();
  }

  private refuse(why: string): void {
    this.problem = why;
    this.update();
  }

  private open(taskId: CardId, place?: unknown): void {
    this.inspector?.close();
    this.lastChannel += 1;
    this.inspector = new OpenInspector({
      root: this.inspectorRoot,
      connection: this.connection,
      channel: this.lastChannel,
      taskId,
      place,
      onPlace: () => this.keepPlace(),
      onAction: (action, task) => {
        const known = boardActions.find((each) => each === action);
        if (known !== undefined)
          this.dialog.start({ id: taskId, title: task.title, baseBranch: this.baseOf(taskId) }, known);
      },
    });
    if (this.standing.type === 'open') this.inspector.connect();
    this.keepPlace();
    this.back?.entered(taskId);
    window.scrollTo(0, 0);
    this.isFocusWanted = true;
    this.update();
  }

  private close(): void {
    if (this.back?.goesBack() !== true) this.leave();
  }

  private onPlace(opened: string | null): void {
    const card = [...this.state.cards.values()].find(({ id }) => id === opened);
    if (card !== undefined) this.open(card.id);
    else if (this.inspector !== null) this.leave();
  }

  private leave(): void {
    this.inspector?.close();
    this.inspector = null;
    this.keepPlace();
    this.isFocusWanted = true;
    this.update();
  }

  /** A task that is open and on no card is merged where the engine knows; it refuses what cannot be. */
  private baseOf(id: CardId): string | null {
    const card = this.state.cards.get(id);
    return card === undefined ? 'its base branch' : card.baseBranch;
  }

  private keepPlace(): void {
    this.connection.keep({
      find: this.look.find,
      ...(this.inspector === null ? {} : { inspector: this.inspector.place }),
      ...(this.draft === null ? {} : { draft: this.draft }),
    });
  }

  private onEscape(event: KeyboardEvent): void {
    if (event.key !== 'Escape' || event.defaultPrevented || this.inspector === null || this.dialog.isOpen)
      return;
    // A field or an open list has a use of its own for the key.
    const isUsed = event
      .composedPath()
      .some((each) => each instanceof Element && each.matches('input, textarea, vscode-dropdown[open]'));
    if (!isUsed) this.close();
  }

  private onKey(event: KeyboardEvent, id: CardId): void {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const next = nextCard(this.state.columns, id, event.key);
    if (next === null) return;
    event.preventDefault();
    this.focused = next;
    this.isFocusWanted = true;
    this.update();
  }

  private setLook(look: BoardLook): void {
    this.look = look;
    this.keepPlace();
    this.connection.post({ type: 'look', look });
    this.update();
  }

  private filter(find: string): void {
    this.words = find;
    clearTimeout(this.filterTimer);
    this.filterTimer = setTimeout(() => this.setLook({ find, limits: {} }), filterPauseMs);
  }

  private drop(to: TaskGroup): void {
    const card = this.dragged;
    this.dragged = null;
    this.problem = null;
    const now = card === null ? undefined : this.state.cards.get(card.id);
    if (now !== undefined) {
      const drop = dropMove(now, to);
      if (drop.type === 'move') this.act(now, drop.action);
      else if (drop.type === 'refused') this.refuse(drop.message);
    }
    this.update();
  }

  private act(card: BoardCard, action: BoardAction): void {
    this.dialog.start(card, action);
  }

  private update(): void {
    if (this.isDrawing) return;
    this.isDrawing = true;
    requestAnimationFrame(() => {
      this.isDrawing = false;
      const hadFocus = this.shell.querySelector('.card:focus-within') !== null;
      render(this.draw(), this.shell);
      // A card that went to another column is another element there.
      const isLost = hadFocus && document.activeElement === document.body;
      if (this.isFocusWanted || isLost) this.focus();
      this.isFocusWanted = false;
    });
  }

  private focus(): void {
    const stop = tabStop(this.state.columns, this.focused);
    const wanted = this.inspector === null ? `[data-card="${stop ?? ''}"]` : '.back .link';
    this.shell.querySelector<HTMLElement>(wanted)?.focus();
  }

  private draw(): TemplateResult {
    const { standing } = this;
    if (standing.type === 'token-needed')
      return tokenForm(standing.why, (token) => this.connection.useToken(token));
    const isStale = standing.type === 'lost';
    return html`<div class=${isStale ? 'stale' : ''}>
      ${staleBanner(standing, Date.now(), () => this.connection.retry())}
      <div ?hidden=${this.inspector !== null}>${this.board()}</div>
      ${
        this.inspector === null
          ? nothing
          : html`<nav class="back" aria-label="Board">
                ${iconButton({ label: 'Back to the board', icon: 'arrow-left', onClick: () => this.close() })}
                <button class="link" @click=${() => this.close()}>Board</button>
              </nav>
              ${this.inspectorRoot}`
      }
      <div class="unseen" role="status" aria-live="polite">${this.said}</div>
      ${refusalNotice(this.problem, () => {
        this.problem = null;
        this.update();
      })}
    </div>`;
  }

  private board(): TemplateResult {
    const { unavailable: reason, access } = this.state;
    if (reason !== null) return unavailable(reason);
    if (access === null) return html`<main class="board">${loading('Opening the board…')}</main>`;
    return html`<main class="board">
      <header class="bar">
        <h1>Board</h1>
        ${textField({
          label: 'Filter tasks',
          placeholder: 'Filter tasks',
          value: this.words,
          onInput: (find) => this.filter(find.slice(0, 200)),
        })}
        ${access === 'read' ? html`<span class="note">Read only</span>` : nothing}
        ${this.look.find === '' ? summary(this.state, () => this.showWaiting()) : nothing}
      </header>
      ${
        this.state.columns.every(({ total }) => total === 0)
          ? note('No task yet. A new one appears here as soon as it is created.')
          : nothing
      }
      ${columns({
        columns: this.state.columns,
        look: this.look,
        now: Date.now(),
        stop: tabStop(this.state.columns, this.focused),
        isStill: access === 'read' || this.standing.type !== 'open',
        moving: new Set([...this.moving.values()].map(({ taskId }) => taskId)),
        dragged: this.dragged,
        dropOf: dropMove,
        onOpen: (id) => {
          this.focused = id;
          this.open(id);
        },
        onFocus: (id) => {
          if (this.focused === id) return;
          this.focused = id;
          this.update();
        },
        onKey: (event, id) => this.onKey(event, id),
        onAct: (card, action) => this.act(card, action),
        onMoves: (card) => this.dialog.choose(card),
        onMore: (group) => {
          const limit = Math.min(longestColumn, limitOf(this.look, group) + 4 * columnStep);
          this.setLook({ ...this.look, limits: { ...this.look.limits, [group]: limit } });
        },
        onDrag: (card) => {
          this.dragged = card;
          this.update();
        },
        onDrop: (group) => this.drop(group),
      })}
    </main>`;
  }

  private showWaiting(): void {
    const waiting = this.state.columns.find(({ group }) => group === 'needs-you');
    this.focused = waiting?.cards[0]?.id ?? this.focused;
    this.isFocusWanted = true;
    this.update();
  }
}
