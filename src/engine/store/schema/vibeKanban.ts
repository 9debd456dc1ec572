/**
 * The board's own tables, exactly as Vibe Kanban made them: SQLite keeps this text, and its importers and readers may
 * rely on it. Never edited, not even in layout; everything of ours is in `orchestrator_*`.
 */
export const vibeKanbanSchema = `CREATE TABLE projects (
    id            BLOB PRIMARY KEY,
    name          TEXT NOT NULL,
    git_repo_path TEXT NOT NULL DEFAULT '' UNIQUE,
    setup_script  TEXT DEFAULT '',
    created_at    TEXT NOT NULL DEFAULT (datetime('now', 'subsec')),
    updated_at    TEXT NOT NULL DEFAULT (datetime('now', 'subsec')), dev_script TEXT DEFAULT '', cleanup_script TEXT, copy_files TEXT
);
CREATE TABLE tasks (
    id          BLOB PRIMARY KEY,
    project_id  BLOB NOT NULL,
    title       TEXT NOT NULL,
    description TEXT,
    status      TEXT NOT NULL DEFAULT 'todo'
                   CHECK (status IN ('todo','inprogress','done','cancelled','inreview')),
    created_at  TEXT NOT NULL DEFAULT (datetime('now', 'subsec')),
    updated_at  TEXT NOT NULL DEFAULT (datetime('now', 'subsec')), parent_task_attempt BLOB REFERENCES task_attempts(id),
    FOREIGN KEY (project_id) REFERENCES projects(id) ON DELETE CASCADE
);
CREATE INDEX idx_tasks_parent_task_attempt ON tasks(parent_task_attempt);
`;
