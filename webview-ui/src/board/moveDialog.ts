import { html, nothing, render, type TemplateResult } from 'lit/html.js';
import type { BoardAction, BoardCard, BoardMove, NoteDraft } from '../../../src/engine/protocol/board.ts';
import { button } from '../components/controls.ts';
import { actionLabels } from '../pages/header.ts';

type Strategy = Extract<BoardMove, { type: 'accept' }>['strategy'];

/** What the dialogs need to know of a task: also one that is open in the inspector and on no card of the page. */
export type MovedTask = Pick<BoardCard, 'id' | 'title' | 'baseBranch'>;

const strategies: Readonly<Record<Strategy, (base: string) => string>> = {
  squash: (base) => `One commit on ${base}`,
  merge: (base) => `All its commits, merged into ${base}`,
  none: () => 'No merge: its branch is kept for you',
};

const answersHead = 'Answers to the open questions of the specification:';

interface NoteQuestion {
  readonly heading: (title: string) => string;
  readonly label: string;
  readonly yes: string;
  readonly toNote: (text: string) => string;
}

const noteQuestions: Readonly<Record<NoteDraft['action'], NoteQuestion>> = {
  'send-back': {
    heading: (title) => `Send back “${title}”`,
    label: 'What should be different?',
    yes: 'Send Back',
    toNote: (text) => text,
  },
  answer: {
    heading: (title) => `Answer the open questions of “${title}”`,
    label: 'Your answers; the questions stand in the specification, on its Context page.',
    yes: 'Send Answers',
    toNote: (text) => `${answersHead}\n\n${text}`,
  },
};

/** Asks what a move needs: which one it is, a note, a strategy, or a yes. One dialog of the browser's own, which keeps the focus and gives it back. */
export class MoveDialog {
  private readonly dialog: HTMLDialogElement;
  private readonly make: (move: BoardMove) => void;
  private readonly onDraft: (draft: NoteDraft | null) => void;

  /** `onDraft` hears of a note with every letter, and that there is none any more. */
  constructor(
    parent: HTMLElement,
    make: (move: BoardMove) => void,
    onDraft: (draft: NoteDraft | null) => void,
  ) {
    this.make = make;
    this.onDraft = onDraft;
    this.dialog = document.createElement('dialog');
    this.dialog.className = 'ask';
    // A click beside it, on the backdrop.
    this.dialog.addEventListener('click', (event) => {
      if (event.target === this.dialog) this.dialog.close();
    });
    this.dialog.addEventListener('close', () => {
      // The event comes late: by then the next question may be open.
      if (this.dialog.open) return;
      render(nothing, this.dialog);
      this.onDraft(null);
    });
    parent.append(this.dialog);
  }

  get isOpen(): boolean {
    return this.dialog.open;
  }

  close(): void {
    this.dialog.close();
  }

  /** All the moves of a card. */
  choose(card: BoardCard): void {
    this.show(
      card.title,
      html`<div class="choices">
        ${card.actions.map(
          (action) =>
            html`<button
              class="choice-row"
              @click=${() => {
                this.dialog.close();
                this.start(card, action);
              }}
            >
              <span class="codicon codicon-${actionLabels[action].icon}" aria-hidden="true"></span>
              ${actionLabels[action].label}
            </button>`,
        )}
      </div>`,
      null,
    );
  }

  /** Makes the move, after asking for what it needs. */
  start(task: MovedTask, action: BoardAction): void {
    switch (action) {
      case 'approve':
      case 'retry':
      case 'advance':
      case 'pause':
      case 'resume':
        this.make({ type: action, taskId: task.id });
        return;
      case 'cancel':
        this.confirmCancel(task);
        return;
      case 'send-back':
      case 'answer':
        this.askNote({ taskId: task.id, title: task.title, action, text: '' });
        return;
      case 'accept':
        this.askStrategy(task);
        return;
    }
  }

  private confirmCancel({ id, title }: MovedTask): void {
    this.show(
      `Cancel “${title}”?`,
      html`<p>What runs is stopped. A branch with commits is kept. This cannot be undone.</p>`,
      { yes: 'Cancel Task', no: 'Keep It', onYes: () => this.make({ type: 'cancel', taskId: id }) },
    );
  }

  /** Goes on with a note where it was left. */
  askNote(draft: NoteDraft): void {
    const { taskId, title, action } = draft;
    const question = noteQuestions[action];
    this.onDraft(draft);
    this.show(
      question.heading(title),
      html`<label class="stacked"
        >${question.label}
        <textarea
          rows="5"
          maxlength="19000"
          autofocus
          required
          .value=${draft.text}
          @input=${(event: Event) =>
            this.onDraft({ ...draft, text: (event.target as HTMLTextAreaElement).value })}
        ></textarea>
      </label>`,
      {
        yes: question.yes,
        no: 'Back',
        onYes: () => {
          const area = this.dialog.querySelector('textarea');
          const text = area?.value.trim() ?? '';
          if (text === '') {
            area?.setAttribute('aria-invalid', 'true');
            area?.focus();
            return false;
          }
          return this.make({ type: 'send-back', taskId, note: question.toNote(text) });
        },
      },
    );
  }

  private askStrategy({ id, title, baseBranch }: MovedTask): void {
    const choices: readonly Strategy[] = baseBranch === null ? ['none'] : ['squash', 'merge', 'none'];
    this.show(
      `Accept “${title}”?`,
      html`<fieldset>
        <legend>What becomes of its work</legend>
        ${choices.map(
          (strategy, index) =>
            html`<label
              ><input type="radio" name="strategy" value=${strategy} ?checked=${index === 0} /> ${strategies[
                strategy
              ](baseBranch ?? '')}</label
            >`,
        )}
      </fieldset>`,
      {
        yes: 'Accept',
        no: 'Back',
        onYes: () => {
          const chosen = this.dialog.querySelector<HTMLInputElement>('input:checked')?.value;
          const strategy = choices.find((each) => each === chosen);
          if (strategy !== undefined) this.make({ type: 'accept', taskId: id, strategy });
        },
      },
    );
  }

  /** `onYes`: false leaves the dialog open. */
  private show(
    heading: string,
    body: TemplateResult,
    answers: {
      readonly yes: string;
      readonly no: string;
      readonly onYes: () => unknown;
    } | null,
  ): void {
    const finish = (): void => {
      if (answers?.onYes() !== false) this.dialog.close();
    };
    render(
      html`<div class="sheet">
        <h2 id="ask-heading">${heading}</h2>
        ${body}
        <div class="answers">
          ${answers === null ? nothing : button({ label: answers.yes, look: 'primary', onClick: finish })}
          ${button({ label: answers?.no ?? 'Close', onClick: () => this.dialog.close() })}
        </div>
      </div>`,
      this.dialog,
    );
    this.dialog.setAttribute('aria-labelledby', 'ask-heading');
    if (!this.dialog.open) this.dialog.showModal();
  }
}
