-- What sessions used, one row for each report of an agent. `session` names one run of an agent; with `n` it keeps a report
-- that is heard twice one row. No `cost_micros` means that nobody knows what it cost. `day` counts days since 1970 UTC.
CREATE TABLE ledger (
    task        TEXT NOT NULL,
    session     TEXT NOT NULL,
    n           BIGINT NOT NULL,
    agent       TEXT NOT NULL,
    model       TEXT NOT NULL,
    person      TEXT NOT NULL,
    repo        TEXT NOT NULL,
    thread      TEXT NOT NULL,
    day         BIGINT NOT NULL,
    at_ms       BIGINT NOT NULL,
    input       BIGINT NOT NULL,
    cache_read  BIGINT NOT NULL,
    cache_write BIGINT NOT NULL,
    output      BIGINT NOT NULL,
    cost_micros BIGINT,
    PRIMARY KEY (session, n)
);
CREATE INDEX ledger_task ON ledger (task);
CREATE INDEX ledger_day ON ledger (day);
CREATE INDEX ledger_repo ON ledger (repo, agent, at_ms);

-- What people allowed beyond a cap. `key` names the limit that was reached, so that two answers to it count once.
CREATE TABLE allowance (
    key    TEXT NOT NULL PRIMARY KEY,
    scope  TEXT NOT NULL,
    micros BIGINT NOT NULL,
    person TEXT NOT NULL,
    at_ms  BIGINT NOT NULL
);
CREATE INDEX allowance_scope ON allowance (scope);
