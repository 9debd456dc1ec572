/**
 * Everything package.json contributes, by id: code names a contribution only through these, and
 * `test/unit/extension/contributions.test.ts` proves both sides equal.
 */
export const commandIds = {
  newTask: 'orchestrator.newTask',
  newTaskFromSelection: 'orchestrator.newTaskFromSelection',
  newTaskFromTodo: 'orchestrator.newTaskFromTodo',
  newTaskFromMarkdown: 'orchestrator.newTaskFromMarkdown',
  newTasksFromChecklist: 'orchestrator.newTasksFromChecklist',
  start: 'orchestrator.start',
  advance: 'orchestrator.advance',
  approve: 'orchestrator.approve',
  sendBack: 'orchestrator.sendBack',
  editSpecification: 'orchestrator.editSpecification',
  answerQuestions: 'orchestrator.answerQuestions',
  retry: 'orchestrator.retry',
  pause: 'orchestrator.pause',
  resume: 'orchestrator.resume',
  cancel: 'orchestrator.cancel',
  setPriority: 'orchestrator.setPriority',
  updateSettings: 'orchestrator.updateSettings',
  moveUp: 'orchestrator.moveUp',
  moveDown: 'orchestrator.moveDown',
  releaseContainer: 'orchestrator.releaseContainer',
  openInspector: 'orchestrator.openInspector',
  openSpecification: 'orchestrator.openSpecification',
  openQaReport: 'orchestrator.openQaReport',
  showChanges: 'orchestrator.showChanges',
  compareContexts: 'orchestrator.compareContexts',
  openWorktree: 'orchestrator.openWorktree',
  openWorktreeTerminal: 'orchestrator.openWorktreeTerminal',
  openApp: 'orchestrator.openApp',
  accept: 'orchestrator.accept',
  createPullRequest: 'orchestrator.createPullRequest',
  cleanUpWorktrees: 'orchestrator.cleanUpWorktrees',
  verifyAudit: 'orchestrator.verifyAudit',
  exportAudit: 'orchestrator.exportAudit',
  showMetrics: 'orchestrator.showMetrics',
  openBoard: 'orchestrator.openBoard',
  importBoard: 'orchestrator.importBoard',
  startEventServer: 'orchestrator.startEventServer',
  stopEventServer: 'orchestrator.stopEventServer',
  copyEventServerAddress: 'orchestrator.copyEventServerAddress',
  checkSetup: 'orchestrator.checkSetup',
  signIn: 'orchestrator.signIn',
  signOut: 'orchestrator.signOut',
  showLog: 'orchestrator.showLog',
  openSettings: 'orchestrator.openSettings',
  openWalkthrough: 'orchestrator.openWalkthrough',
  tryAgain: 'orchestrator.tryAgain',
  filterTasks: 'orchestrator.filterTasks',
  clearFilter: 'orchestrator.clearFilter',
} as const;

export type CommandId = (typeof commandIds)[keyof typeof commandIds];

export const viewIds = {
  tasks: 'orchestrator.tasks',
  containers: 'orchestrator.containers',
} as const;

export const viewContainerId = 'orchestrator';

export const panelTypes = {
  inspector: 'orchestrator.inspector',
  metrics: 'orchestrator.metrics',
  board: 'orchestrator.board',
} as const;

export const walkthroughId = 'orchestrator.getStarted';

/** Set by `registerViews`, but for `missing`, which the set-up check sets. */
export const contextKeys = {
  /** `no-folder`, `untrusted`, `no-repository`, `opening`, `driving`, `following` or `failed`. */
  state: 'orchestrator.state',
  /** Whether there is any task. */
  hasTasks: 'orchestrator.hasTasks',
  /** Whether the tree of tasks is filtered. */
  filtered: 'orchestrator.filtered',
  /** The first thing a run needs and lacks: `docker`, `claude` or `sign-in`; empty when nothing is known to lack. */
  missing: 'orchestrator.missing',
} as const;

/** Values of the context key `missing`. */
export type MissingPart = 'docker' | 'claude' | 'sign-in';

export const configurationSection = 'orchestrator';

/** Settings, without the section. */
export const settingKeys = {
  isolation: 'isolation',
  claudePath: 'claudePath',
  image: 'image',
  baseUrl: 'baseUrl',
  dockerHost: 'dockerHost',
  environment: 'environment',
  maxConcurrentTasks: 'maxConcurrentTasks',
  keepTranscriptsDays: 'keepTranscriptsDays',
  eventServerEnabled: 'eventServer.enabled',
  eventServerPort: 'eventServer.port',
  eventServerAllowedOrigins: 'eventServer.allowedOrigins',
  baseBranch: 'baseBranch',
  testCommand: 'testCommand',
  setupCommand: 'setupCommand',
  copyFiles: 'copyFiles',
  worktreeFolder: 'worktreeFolder',
  useProjectRules: 'useProjectRules',
  gates: 'gates',
  maxQaRounds: 'maxQaRounds',
  maxBudget: 'maxBudgetUsd',
  mergeStrategy: 'mergeStrategy',
  specificationModel: 'specification.model',
  specificationMaxTurns: 'specification.maxTurns',
  specificationMaxBudget: 'specification.maxBudgetUsd',
  specificationTimeout: 'specification.timeoutMinutes',
  implementationModel: 'implementation.model',
  implementationMaxTurns: 'implementation.maxTurns',
  implementationMaxBudget: 'implementation.maxBudgetUsd',
  implementationTimeout: 'implementation.timeoutMinutes',
  implementationAllowedTools: 'implementation.allowedTools',
  qaModel: 'qa.model',
  qaMaxTurns: 'qa.maxTurns',
  qaMaxBudget: 'qa.maxBudgetUsd',
  qaTimeout: 'qa.timeoutMinutes',
} as const;

export type SettingKey = (typeof settingKeys)[keyof typeof settingKeys];
