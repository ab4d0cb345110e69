-- What holds in each channel where a request says nothing. `id` is the channel, as in `slack/T024BE7LD/C024BE91L`.
CREATE TABLE channel (
    id            TEXT NOT NULL PRIMARY KEY,
    version       BIGINT NOT NULL,
    state         TEXT NOT NULL,
    body          TEXT NOT NULL,
    updated_at_ms BIGINT NOT NULL
);
