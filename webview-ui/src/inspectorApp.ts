import { html, nothing, render, type TemplateResult } from 'lit/html.js';
import {
  inspectorPages,
  parseSavedState,
  type HostMessage,
  type InspectorPage,
  type InspectorView,
  type SavedState,
} from '../../src/engine/protocol/inspector.ts';
import { loading, tabs } from './components/controls.ts';
import { HostChannel } from './hostChannel.ts';
import { emptyState, receive, type InspectorState } from './inspectorState.ts';
import { AuditPage } from './pages/auditPage.ts';
import { ContextPage } from './pages/contextPage.ts';
import { CostPage } from './pages/costPage.ts';
import { announcement, header } from './pages/header.ts';
import { LivePage } from './pages/livePage.ts';
import { QaPage } from './pages/qaPage.ts';
import type { PageHost } from './pages/pageHost.ts';
import { unavailable } from './pages/unavailable.ts';
import type { VsCodeApi } from './vscodeApi.ts';
import { l10n } from './l10n.ts';

const tabNames: Readonly<Record<InspectorPage, string>> = {
  context: l10n.t('Context'),
  live: l10n.t('Live'),
  qa: l10n.t('QA'),
  audit: l10n.t('Audit'),
  cost: l10n.t('Cost'),
};

/** The inspector of one task: a function of what the host sent, and of where the person is. */
export class InspectorApp implements PageHost {
  readonly channel: HostChannel;
  private readonly root: HTMLElement;
  private readonly api: VsCodeApi;
  private saved: SavedState;
  private state: InspectorState = emptyState;
  private isDrawing = false;
  private isReconnected = false;
  private isStopped = false;
  private timer: ReturnType<typeof setInterval> | undefined;
  private readonly context = new ContextPage(this);
  private readonly live = new LivePage(this);
  private readonly qa = new QaPage(this);
  private readonly audit = new AuditPage(this);
  private readonly cost = new CostPage(this);

  readonly opensFiles: boolean;

  /** `opensFiles`: whether the host can show a file of the worktree. */
  constructor(root: HTMLElement, api: VsCodeApi, taskId: SavedState['taskId'], opensFiles = true) {
    this.root = root;
    this.opensFiles = opensFiles;
    this.api = api;
    const saved = parseSavedState(api.getState());
    this.saved = saved?.taskId === taskId ? saved : { taskId };
    this.api.setState(this.saved);
    this.channel = new HostChannel(api, (message) => this.take(message));
  }

  get place(): SavedState {
    return this.saved;
  }

  /** As the page knows it; null before the first snapshot. */
  get task(): InspectorView['task'] | null {
    return this.state.view?.task ?? null;
  }

  start(): void {
    this.channel.post({ type: 'ready' });
    // Times go on while something runs; nothing else on the page changes by itself.
    this.timer = setInterval(() => {
      if (this.state.view?.runs.some(({ status }) => status === 'running') === true) this.update();
    }, 1_000);
    this.update();
  }

  /** Another host has taken the place of the one that was there: it knows nothing of this page yet. */
  reconnect(): void {
    this.isReconnected = true;
    this.channel.post({ type: 'ready' });
  }

  /** Leaves the page to whoever draws there next. */
  stop(): void {
    this.isStopped = true;
    clearInterval(this.timer);
    render(nothing, this.root);
  }

  goTo(change: Partial<Omit<SavedState, 'taskId'>>): void {
    this.saved = { ...this.saved, ...change };
    this.api.setState(this.saved);
    if (this.page !== 'live') this.live.leave();
    this.update();
  }

  update(): void {
    if (this.isDrawing) return;
    this.isDrawing = true;
    requestAnimationFrame(() => {
      this.isDrawing = false;
      if (this.isStopped) return;
      render(this.draw(), this.root);
    });
  }

  private get page(): InspectorPage {
    return this.saved.page ?? 'context';
  }

  private take(message: Exclude<HostMessage, { type: 'answer' }>): void {
    const { state, isGap, changes } = receive(this.state, message);
    this.state = state;
    if (isGap) this.channel.post({ type: 'ready' });
    if (message.type === 'snapshot') {
      this.live.restart();
      this.audit.restart();
      if (this.isReconnected) this.channel.askAgain();
      this.isReconnected = false;
    }
    for (const change of changes) {
      this.live.onChange(change);
      this.audit.onChange(change);
      if (change.type === 'show') this.goTo({ page: change.page });
    }
    this.update();
  }

  private draw(): TemplateResult {
    const { view, unavailable: reason } = this.state;
    if (reason !== null) return unavailable(reason);
    if (view === null) return html`<main>${loading(l10n.t('Opening the task…'))}</main>`;
    return html`<main>
      ${header(view, Date.now(), (action) => this.channel.post({ type: 'act', action }))}
      <div class="unseen" role="status" aria-live="polite">${announcement(view)}</div>
      ${tabs({
        label: l10n.t('Pages of the task'),
        active: this.page,
        tabs: inspectorPages.map((id) => ({ id, label: tabNames[id] })),
        onChange: (page) => {
          if (page !== this.page) this.goTo({ page });
        },
        content: (page) => this.content(page, view),
      })}
    </main>`;
  }

  private content(page: InspectorPage, view: InspectorView): TemplateResult {
    switch (page) {
      case 'context':
        return this.context.render(view);
      case 'live':
        return this.live.render(view);
      case 'qa':
        return this.qa.render(view);
      case 'audit':
        return this.audit.render();
      case 'cost':
        return this.cost.render(view, Date.now());
    }
  }
}
