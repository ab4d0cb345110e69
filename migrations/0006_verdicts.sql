-- The verdict ledger: where every check passed, one row for a tree, the checks it was held to and what they ran in. `gate`
-- and `environment` are hashes. `sha` is the commit on which it was seen, `seen_in` the run or the task, for people to read.
CREATE TABLE verdict (
    repo            TEXT NOT NULL,
    tree            TEXT NOT NULL,
    gate            TEXT NOT NULL,
    environment     TEXT NOT NULL,
    sha             TEXT NOT NULL,
    seen_in         TEXT NOT NULL,
    concluded_at_ms BIGINT NOT NULL,
    took_ms         BIGINT NOT NULL,
    PRIMARY KEY (repo, tree, gate, environment)
);
CREATE INDEX verdict_concluded ON verdict (concluded_at_ms);
