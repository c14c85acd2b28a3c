-- The entries of the plan that the run works on, in directories that keep a log.
CREATE TABLE entries (seq INTEGER PRIMARY KEY, place INTEGER NOT NULL, account TEXT NOT NULL, name TEXT NOT NULL);
CREATE INDEX entries_by_account ON entries (place, account);

-- Every request that the journal knows, whatever came of it.
CREATE TABLE requests (
    place INTEGER NOT NULL, request TEXT NOT NULL, entry INTEGER NOT NULL,
    PRIMARY KEY (place, request, entry)
) WITHOUT ROWID;
CREATE INDEX requests_by_entry ON requests (entry);

-- What the log is to have: every action that the journal holds as done, by its place in Action::ALL.
CREATE TABLE expected (
    entry INTEGER NOT NULL, action INTEGER NOT NULL, place INTEGER NOT NULL, request TEXT, at INTEGER NOT NULL,
    PRIMARY KEY (entry, action)
) WITHOUT ROWID;

-- What the log has, each event once. shows: the actions that it shows, a bit each.
CREATE TABLE events (
    number INTEGER PRIMARY KEY, place INTEGER NOT NULL, id TEXT NOT NULL, at INTEGER NOT NULL,
    actor TEXT NOT NULL, success INTEGER NOT NULL, shows INTEGER NOT NULL, ours INTEGER NOT NULL DEFAULT 0,
    body TEXT NOT NULL,
    UNIQUE (place, id)
);
CREATE INDEX events_by_time ON events (place, at, number);
CREATE TABLE traces (
    place INTEGER NOT NULL, request TEXT NOT NULL, event INTEGER NOT NULL,
    PRIMARY KEY (place, request, event)
) WITHOUT ROWID;
CREATE INDEX traces_by_event ON traces (event);
CREATE TABLE targets (
    place INTEGER NOT NULL, account TEXT NOT NULL, event INTEGER NOT NULL,
    PRIMARY KEY (place, account, event)
) WITHOUT ROWID;
CREATE INDEX targets_by_event ON targets (event);
