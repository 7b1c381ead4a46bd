"""The tables of the gallery's index: the n-th script brings version n to version n + 1."""

MIGRATIONS = [
    """
    CREATE TABLE pictures (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        made_at REAL NOT NULL,
        width INTEGER NOT NULL,
        height INTEGER NOT NULL,
        prompt TEXT NOT NULL,
        negative TEXT NOT NULL,
        artist TEXT NOT NULL,
        checkpoint TEXT NOT NULL,
        sampler TEXT NOT NULL,
        seed INTEGER,
        steps INTEGER,
        tool TEXT NOT NULL,
        starred INTEGER NOT NULL DEFAULT 0,
        binned INTEGER NOT NULL DEFAULT 0,
        missing INTEGER NOT NULL DEFAULT 0,   -- its file is gone; it comes back with the file
        bytes INTEGER NOT NULL DEFAULT 0,
        file_time REAL NOT NULL DEFAULT 0
    );
    CREATE INDEX pictures_newest ON pictures (binned, missing, made_at DESC, number DESC);
    CREATE INDEX pictures_starred ON pictures (made_at DESC, number DESC) WHERE starred = 1;
    CREATE INDEX pictures_artist ON pictures (artist, binned, missing, made_at DESC, number DESC);
    CREATE INDEX pictures_checkpoint ON pictures (checkpoint, binned, missing, made_at DESC, number DESC);
    CREATE INDEX pictures_name ON pictures (name);
    CREATE VIRTUAL TABLE words USING fts5(text, tokenize = 'unicode61 remove_diacritics 2');
    CREATE TABLE vectors (
        scorer TEXT NOT NULL,
        id TEXT NOT NULL,
        row INTEGER NOT NULL,                 -- of the scorer's matrix
        PRIMARY KEY (scorer, id)
    ) WITHOUT ROWID
    """,
    """
    CREATE INDEX pictures_seed ON pictures (seed, binned, missing, made_at DESC, number DESC);
    CREATE TABLE sources (
        source TEXT NOT NULL,                 -- the first 20 digits of the hash of a file that a record names
        number INTEGER NOT NULL,              -- the picture
        PRIMARY KEY (source, number)
    ) WITHOUT ROWID;
    UPDATE pictures SET file_time = -1        -- read again by the next scan, which fills `sources`
    """,
]
