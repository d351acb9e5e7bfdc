CREATE TABLE experiments (
    id TEXT PRIMARY KEY, project TEXT, name TEXT NOT NULL, status TEXT DEFAULT 'running', created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL, script TEXT, command TEXT, git_branch TEXT, git_commit TEXT, git_diff TEXT, hostname TEXT,
    python_ver TEXT, duration_s REAL, notes TEXT, tags TEXT, studies TEXT, output_dir TEXT, stage INTEGER, stage_name TEXT
);
CREATE TABLE params (exp_id TEXT NOT NULL, key TEXT NOT NULL, value TEXT, PRIMARY KEY (exp_id, key));
CREATE TABLE metrics (
    id INTEGER PRIMARY KEY AUTOINCREMENT, exp_id TEXT NOT NULL, key TEXT NOT NULL, value REAL, step INTEGER, ts TEXT,
    source TEXT DEFAULT 'auto', session_node_id TEXT
);
CREATE TABLE artifacts (
    id INTEGER PRIMARY KEY AUTOINCREMENT, exp_id TEXT NOT NULL, label TEXT, path TEXT, created_at TEXT
);
INSERT INTO experiments (id, project, name, status, created_at, updated_at, script, git_commit, duration_s, notes, tags)
VALUES ('47ea66693374', 'churn', 'e1', 'done', '2026-03-02T09:30:00+00:00', '2026-03-02T09:30:02+00:00', 'train.py',
        '8c1d', 2.5, 'a note', '["first"]');
INSERT INTO params VALUES ('47ea66693374', '_script_hash', '"7e08"'), ('47ea66693374', 'lr', '0.1'),
                          ('47ea66693374', 'name', '"x"');
INSERT INTO metrics (exp_id, key, value, step, ts) VALUES
    ('47ea66693374', 'loss', 1.0, 0, '2026-03-02T09:30:01+00:00'),
    ('47ea66693374', 'loss', 0.5, 1, '2026-03-02T09:30:02+00:00'),
    ('47ea66693374', 'acc', 0.75, NULL, '2026-03-02T09:30:02+00:00');
INSERT INTO artifacts (exp_id, label, path) VALUES ('47ea66693374', 'plot', 'outputs/plot.txt');
