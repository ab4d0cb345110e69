-- The message in which the steps of a task at work stand in Slack, one row a card, where the workspace lets such a message
-- grow. `phase` is `beginning` until Slack has named it (no `ts`), `open` while it grows, `over` when it is edited like any
-- other, `refused` where the steps stay on the card. `shown` is what Slack was told and `wanted` what it is to be told.
CREATE TABLE slack_stream (
    card      TEXT NOT NULL PRIMARY KEY,
    channel   TEXT NOT NULL,
    thread_ts TEXT NOT NULL,
    recipient TEXT NOT NULL,
    ts        TEXT,
    phase     TEXT NOT NULL,
    shown     TEXT,
    wanted    TEXT,
    at_ms     BIGINT NOT NULL
);

-- How far each task is that a thread of Slack is about, and which status Slack was told of the whole thread.
CREATE TABLE slack_session (
    card      TEXT NOT NULL PRIMARY KEY,
    channel   TEXT NOT NULL,
    thread_ts TEXT NOT NULL,
    stage     TEXT NOT NULL,
    told      TEXT,
    at_ms     BIGINT NOT NULL
);
CREATE INDEX slack_session_thread ON slack_session (channel, thread_ts);
