-- The tables of the first version. TEXT and BIGINT only, so that one text serves SQLite and PostgreSQL.
-- Times are milliseconds since 1970 UTC. A machine's truth is `body`; the other columns are projections for lists.

-- Numbers handed out once, by name: the next task's number lives here.
CREATE TABLE counter (
    name  TEXT NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);

-- Deliveries that were applied; a second one with the same id is stopped here.
CREATE TABLE inbox (
    id             TEXT NOT NULL PRIMARY KEY,
    received_at_ms BIGINT NOT NULL
);

-- Effects owed to the world. A row is also a timer (due_at_ms ahead) and a retry (attempt > 0).
CREATE TABLE outbox (
    id             TEXT NOT NULL PRIMARY KEY,
    seq            BIGINT NOT NULL,
    kind           TEXT NOT NULL,
    machine        TEXT NOT NULL,
    lane           TEXT NOT NULL,
    grp            TEXT,
    body           TEXT NOT NULL,
    state          TEXT NOT NULL,
    due_at_ms      BIGINT NOT NULL,
    attempt        BIGINT NOT NULL,
    lease_token    TEXT,
    lease_owner    TEXT,
    lease_until_ms BIGINT,
    revoked_at_ms  BIGINT,
    last_error     TEXT,
    created_at_ms  BIGINT NOT NULL,
    ended_at_ms    BIGINT
);
-- Over what is owed alone, so that claims stay as quick when a million rows are done.
CREATE INDEX outbox_next ON outbox (lane, kind, due_at_ms, seq, id) WHERE state = 'owed';
CREATE INDEX outbox_group ON outbox (lane, grp, seq, id) WHERE state = 'owed';
CREATE INDEX outbox_leased ON outbox (lane, grp, lease_until_ms) WHERE state = 'owed';
CREATE INDEX outbox_seq ON outbox (seq);

-- Events applied, in order, for every machine; the audit trail.
CREATE TABLE journal (
    kind    TEXT NOT NULL,
    machine TEXT NOT NULL,
    version BIGINT NOT NULL,
    state   TEXT NOT NULL,
    event   TEXT NOT NULL,
    cause   TEXT NOT NULL,
    at_ms   BIGINT NOT NULL,
    PRIMARY KEY (kind, machine, version)
);

-- What a machine's performers saw on the way: output lines, progress. Losing a line loses nothing.
CREATE TABLE log (
    kind    TEXT NOT NULL,
    machine TEXT NOT NULL,
    n       BIGINT NOT NULL,
    at_ms   BIGINT NOT NULL,
    line    TEXT NOT NULL,
    PRIMARY KEY (kind, machine, n)
);

CREATE TABLE task (
    id             TEXT NOT NULL PRIMARY KEY,
    version        BIGINT NOT NULL,
    state          TEXT NOT NULL,
    body           TEXT NOT NULL,
    updated_at_ms  BIGINT NOT NULL,
    number         BIGINT NOT NULL,
    thread         TEXT NOT NULL,
    repo           TEXT NOT NULL,
    title          TEXT NOT NULL,
    requester      TEXT NOT NULL,
    created_at_ms  BIGINT NOT NULL
);
CREATE INDEX task_thread ON task (thread, number);
CREATE INDEX task_number ON task (number);

-- One row a thread: what is in focus there. Its journal is the thread's history as the bot heard it.
CREATE TABLE conversation (
    id            TEXT NOT NULL PRIMARY KEY,
    version       BIGINT NOT NULL,
    state         TEXT NOT NULL,
    body          TEXT NOT NULL,
    updated_at_ms BIGINT NOT NULL
);

-- The console is a chat platform of our own, so its messages are kept here. `key` makes a repeated post one message.
CREATE TABLE console_message (
    thread       TEXT NOT NULL,
    n            BIGINT NOT NULL,
    key          TEXT NOT NULL UNIQUE,
    author       TEXT NOT NULL,
    text         TEXT NOT NULL,
    choices      TEXT NOT NULL,
    reactions    TEXT NOT NULL,
    at_ms        BIGINT NOT NULL,
    edited_at_ms BIGINT,
    PRIMARY KEY (thread, n)
);

-- One merge queue for each target branch.
CREATE TABLE queue (
    id            TEXT NOT NULL PRIMARY KEY,
    version       BIGINT NOT NULL,
    state         TEXT NOT NULL,
    body          TEXT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    repo          TEXT NOT NULL,
    target        TEXT NOT NULL,
    head          TEXT,
    n_entries     BIGINT NOT NULL
);

-- One row for each entry that ever was in a queue, by its rank there; an id may come again. A projection of `queue`.
CREATE TABLE entry (
    queue          TEXT NOT NULL,
    rank           BIGINT NOT NULL,
    id             TEXT NOT NULL,
    title          TEXT NOT NULL,
    requested_by   TEXT NOT NULL,
    phase          TEXT NOT NULL,
    outcome        TEXT,
    outcome_text   TEXT,
    landed_as      TEXT,
    enqueued_at_ms BIGINT NOT NULL,
    ended_at_ms    BIGINT,
    PRIMARY KEY (queue, rank)
);
CREATE INDEX entry_id ON entry (queue, id);
CREATE INDEX entry_ended ON entry (queue, ended_at_ms);
