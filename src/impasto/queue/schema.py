"""The tables of the queue: the n-th script brings version n of the file to version n + 1. Times are seconds since 1970."""

MIGRATIONS = [
    """
    CREATE TABLE jobs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        request TEXT UNIQUE,              -- the asker's own key: the same request is accepted once
        kind TEXT NOT NULL,
        job TEXT NOT NULL,                -- Job.to_json()
        folder TEXT NOT NULL,             -- relative paths of the job start here
        title TEXT NOT NULL,
        origin TEXT NOT NULL,             -- who asked: cli, studio, api, ...
        priority INTEGER NOT NULL,
        position REAL NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
        paused INTEGER NOT NULL DEFAULT 0,
        stop TEXT CHECK (stop IN ('cancel', 'pause')),
        attempts INTEGER NOT NULL DEFAULT 0,
        units INTEGER NOT NULL,
        units_done INTEGER NOT NULL DEFAULT 0,
        units_failed INTEGER NOT NULL DEFAULT 0,
        error TEXT,
        created_at REAL NOT NULL,
        started_at REAL,
        finished_at REAL,
        sequence INTEGER NOT NULL DEFAULT 0,
        claim INTEGER NOT NULL DEFAULT 0, -- grows with every claim: a worker that lost its lease is known by it
        worker TEXT,
        lease_until REAL
    );
    CREATE INDEX jobs_waiting ON jobs (priority DESC, position) WHERE state = 'queued' AND paused = 0;
    CREATE INDEX jobs_by_state ON jobs (state, id);
    CREATE TABLE units (
        job INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed')),
        attempts INTEGER NOT NULL DEFAULT 1,
        deaths INTEGER NOT NULL DEFAULT 0,
        error TEXT,
        result TEXT,                      -- JSON: {"pictures": [...], "figures": {...}}
        published INTEGER NOT NULL DEFAULT 0,
        started_at REAL,
        finished_at REAL,
        PRIMARY KEY (job, number)
    ) WITHOUT ROWID;
    CREATE INDEX units_unpublished ON units (job, number) WHERE state = 'done' AND published = 0;
    CREATE TABLE events (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        job INTEGER,
        kind TEXT NOT NULL,
        data TEXT NOT NULL,
        at REAL NOT NULL
    );
    CREATE INDEX events_by_job ON events (job, id);
    CREATE TABLE previews (
        job INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
        number INTEGER NOT NULL,          -- the picture within the unit that is being painted
        unit INTEGER NOT NULL,
        steps INTEGER NOT NULL,
        image BLOB NOT NULL,              -- JPEG, at most 256 px a side
        event INTEGER NOT NULL,
        PRIMARY KEY (job, number)
    ) WITHOUT ROWID;
    CREATE TABLE workers (
        id TEXT PRIMARY KEY,
        host TEXT NOT NULL,
        boot TEXT NOT NULL,               -- of the machine's present start
        pid INTEGER NOT NULL,
        born TEXT NOT NULL,               -- of the process: a pid is used again
        slot INTEGER NOT NULL,
        started_at REAL NOT NULL,
        seen_at REAL NOT NULL,
        note TEXT NOT NULL DEFAULT ''     -- why it waits, if it cannot work
    ) WITHOUT ROWID;
    CREATE TABLE facts (
        name TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) WITHOUT ROWID
    """,
]
