import { vibeKanbanSchema } from './vibeKanban.ts';

/** The tables of the first release. All times are epoch ms, all task ids the 16 bytes of the UUID. */
export const version1 = `${vibeKanbanSchema}
-- What a task is doing; the state is the whole domain task, the columns before it are what queries need.
CREATE TABLE orchestrator_task (
    task_id    BLOB PRIMARY KEY CHECK (length(task_id) = 16),
    phase      TEXT NOT NULL CHECK (phase IN ('queued','preparing','running','stopping','gate','backoff','parked',
                   'attention','paused','completed','merging','done','cancelled')),
    stage      TEXT NOT NULL CHECK (stage IN ('specification','implementation','qa')),
    final      INTEGER NOT NULL CHECK (final = (phase IN ('done','cancelled'))),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    last_seq   INTEGER NOT NULL,
    state      TEXT NOT NULL
);
CREATE INDEX orchestrator_task_created ON orchestrator_task(created_at);
CREATE INDEX orchestrator_task_open ON orchestrator_task(created_at) WHERE final = 0;

-- One row for each attempt at a stage, for whoever reads the file; the engine reads the task's state.
CREATE TABLE orchestrator_stage_run (
    id             TEXT NOT NULL UNIQUE,
    task_id        BLOB NOT NULL,
    stage          TEXT NOT NULL CHECK (stage IN ('specification','implementation','qa')),
    attempt        INTEGER NOT NULL CHECK (attempt >= 1),
    status         TEXT NOT NULL CHECK (status IN ('running','completed','failed','cancelled')),
    outcome        TEXT,
    input_digests  TEXT NOT NULL,
    output_digest  TEXT,
    session_id     TEXT,
    container_port INTEGER,
    started_at     INTEGER NOT NULL,
    completed_at   INTEGER,
    cost_usd       REAL NOT NULL CHECK (cost_usd >= 0),
    UNIQUE (task_id, stage, attempt),
    CHECK ((status = 'running') = (completed_at IS NULL)),
    CHECK ((status = 'running') = (outcome IS NULL))
);
CREATE UNIQUE INDEX orchestrator_stage_run_running ON orchestrator_stage_run(task_id) WHERE status = 'running';

-- Contexts are content-addressed and immutable: one is there whole, or not at all.
CREATE TABLE orchestrator_bundle (
    digest TEXT NOT NULL PRIMARY KEY CHECK (length(digest) = 64),
    body   TEXT NOT NULL
);
CREATE TABLE orchestrator_context (
    id         INTEGER PRIMARY KEY,
    task_id    BLOB NOT NULL,
    run_id     TEXT,
    stage      TEXT NOT NULL CHECK (stage IN ('request','specification','implementation','qa')),
    version    INTEGER NOT NULL CHECK (version >= 1),
    digest     TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (task_id, stage, version)
);
CREATE INDEX orchestrator_context_digest ON orchestrator_context(digest);

-- Append-only and gapless; hash = sha256(hash of the row before || this row), see auditChain.ts.
CREATE TABLE orchestrator_audit (
    seq     INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    task_id BLOB NOT NULL,
    type    TEXT NOT NULL,
    actor   TEXT NOT NULL CHECK (actor IN ('person','engine')),
    cause   TEXT NOT NULL,
    data    TEXT NOT NULL,
    hash    BLOB NOT NULL CHECK (length(hash) = 32)
);
CREATE INDEX orchestrator_audit_task ON orchestrator_audit(task_id, seq);

-- Effects without an outcome; position is the order they were called for.
CREATE TABLE orchestrator_outbox (
    position    INTEGER PRIMARY KEY,
    key         TEXT NOT NULL UNIQUE,
    effect      TEXT NOT NULL,
    created_seq INTEGER NOT NULL
);

CREATE TABLE orchestrator_meta (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL);

CREATE TRIGGER orchestrator_audit_gapless BEFORE INSERT ON orchestrator_audit
    WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM orchestrator_audit)
    BEGIN SELECT RAISE(ABORT, 'the audit trail has no gaps'); END;
CREATE TRIGGER orchestrator_audit_no_update BEFORE UPDATE ON orchestrator_audit
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER orchestrator_audit_no_delete BEFORE DELETE ON orchestrator_audit
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER orchestrator_bundle_no_update BEFORE UPDATE ON orchestrator_bundle
    BEGIN SELECT RAISE(ABORT, 'a context is never overwritten'); END;
CREATE TRIGGER orchestrator_bundle_no_delete BEFORE DELETE ON orchestrator_bundle
    BEGIN SELECT RAISE(ABORT, 'a context is never deleted'); END;
CREATE TRIGGER orchestrator_context_no_update BEFORE UPDATE ON orchestrator_context
    BEGIN SELECT RAISE(ABORT, 'a context is never overwritten'); END;
CREATE TRIGGER orchestrator_context_no_delete BEFORE DELETE ON orchestrator_context
    BEGIN SELECT RAISE(ABORT, 'a context is never deleted'); END;
`;
