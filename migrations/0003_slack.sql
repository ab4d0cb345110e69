-- What stands in Slack of ours, one row a message, by the key under which it is posted; no `ts` means that it is being
-- posted. `shown` is what it says and `wanted` what it is to say as soon as Slack takes another edit. What people said
-- in threads has a row too, so that a reaction, which names no thread, finds its own.
CREATE TABLE slack_message (
    key       TEXT NOT NULL PRIMARY KEY,
    channel   TEXT NOT NULL,
    thread_ts TEXT NOT NULL,
    ts        TEXT,
    shown     TEXT,
    wanted    TEXT,
    at_ms     BIGINT NOT NULL
);
CREATE INDEX slack_message_place ON slack_message (channel, ts);
CREATE INDEX slack_message_wanted ON slack_message (key) WHERE wanted IS NOT NULL;

-- Up to which message each channel was looked through for what no event told of.
CREATE TABLE slack_channel (
    channel   TEXT NOT NULL PRIMARY KEY,
    watermark TEXT NOT NULL
);
