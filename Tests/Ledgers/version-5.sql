-- A ledger of schema version 5 as the program of that time made it, with jobs in each state. Never changed.
PRAGMA journal_mode = WAL;
PRAGMA application_id = 1279347778;
CREATE TABLE jobs (
    number INTEGER PRIMARY KEY,
    job_id BLOB NOT NULL,
    account BLOB NOT NULL,
    token_sha256 BLOB NOT NULL CHECK (length(token_sha256) = 32),
    generation INTEGER NOT NULL,
    copy INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    ambiguous INTEGER NOT NULL,
    intent INTEGER NOT NULL,
    malformed INTEGER NOT NULL,
    first_seen INTEGER NOT NULL,
    first_call INTEGER,
    due INTEGER,
    copy_published INTEGER NOT NULL,
    finished INTEGER NOT NULL,
    letter_published INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    revision INTEGER NOT NULL
);
CREATE UNIQUE INDEX jobs_id ON jobs (job_id);
CREATE INDEX jobs_due ON jobs (due) WHERE due IS NOT NULL;
CREATE INDEX jobs_letter ON jobs (letter_published) WHERE finished = 1 AND letter_published = 0;
CREATE TABLE results (
    job INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    message_id TEXT NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT,
    body BLOB NOT NULL,
    correlation_id TEXT,
    traceparent TEXT,
    tracestate TEXT,
    completed INTEGER NOT NULL,
    PRIMARY KEY (job, generation)
) WITHOUT ROWID;
CREATE INDEX results_completed ON results (completed);
CREATE TABLE history (
    job INTEGER NOT NULL,
    line INTEGER NOT NULL,
    at INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    kind TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (job, line)
) WITHOUT ROWID;
CREATE TABLE days (day TEXT PRIMARY KEY, calls INTEGER NOT NULL, probes INTEGER NOT NULL, at INTEGER NOT NULL)
    WITHOUT ROWID;
CREATE TABLE holds (
    cause TEXT NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER,
    detail TEXT NOT NULL,
    PRIMARY KEY (since, cause)
) WITHOUT ROWID;
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE probe (bytes BLOB NOT NULL);
CREATE TABLE tally (entries INTEGER NOT NULL, ever INTEGER NOT NULL, open INTEGER NOT NULL DEFAULT 0, ambiguous INTEGER NOT NULL DEFAULT 0);
INSERT INTO tally VALUES (6, 6, 3, 2);
CREATE TABLE cancels (job_id BLOB PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE owed (job_id BLOB NOT NULL, generation INTEGER NOT NULL, PRIMARY KEY (job_id, generation)) WITHOUT ROWID;
ALTER TABLE jobs ADD COLUMN event BLOB;
PRAGMA user_version = 5;
INSERT INTO jobs (number, job_id, account, token_sha256, generation, copy, attempts, ambiguous, intent, malformed, first_seen, first_call, due,
    copy_published, finished, letter_published, changed, revision)
    VALUES (1, X'6672657368', X'6163632d6672657368', X'5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c', 0, 0, 0, 0, 0, 0, 1790000000000, NULL, NULL, 0, 0, 1, 1790000001000, 1);
INSERT INTO jobs (number, job_id, account, token_sha256, generation, copy, attempts, ambiguous, intent, malformed, first_seen, first_call, due,
    copy_published, finished, letter_published, changed, revision)
    VALUES (2, X'63616c6c696e67', X'6163632d63616c6c696e67', X'5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c', 0, 0, 0, 0, 1, 0, 1790000000000, 1790000000000, NULL, 0, 0, 1, 1790000001000, 1);
INSERT INTO jobs (number, job_id, account, token_sha256, generation, copy, attempts, ambiguous, intent, malformed, first_seen, first_call, due,
    copy_published, finished, letter_published, changed, revision, event)
    VALUES (3, X'7061726b6564', X'6163632d7061726b6564', X'5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c', 0, 1, 1, 1, 0, 0, 1790000000000, 1790000000000, 1790000060000, 1, 0, 1, 1790000001000, 1,
    CAST('{"id":"parked","source":"/idm","time":"2026-09-21T14:13:20Z","type":"leave"}' AS BLOB));
INSERT INTO jobs (number, job_id, account, token_sha256, generation, copy, attempts, ambiguous, intent, malformed, first_seen, first_call, due,
    copy_published, finished, letter_published, changed, revision)
    VALUES (4, X'6c656674', X'6163632d6c656674', X'5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c', 0, 0, 1, 0, 0, 0, 1790000000000, 1790000000000, NULL, 0, 1, 1, 1790000001000, 1);
INSERT INTO results VALUES (4, 0, 'left#0', 'left', NULL, CAST('{"account":"acc-left","attempts":1,"completedAt":"2026-09-21T14:13:21Z","durationMs":1000,"effect":"left","generation":0,"jobId":"left","outcome":"left","version":1}' AS BLOB), NULL, NULL, NULL,
    1790000001000);
INSERT INTO jobs (number, job_id, account, token_sha256, generation, copy, attempts, ambiguous, intent, malformed, first_seen, first_call, due,
    copy_published, finished, letter_published, changed, revision)
    VALUES (5, X'6f776564', X'6163632d6f776564', X'5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c', 0, 0, 1, 0, 0, 0, 1790000000000, 1790000000000, NULL, 0, 1, 1, 1790000001000, 1);
INSERT INTO results VALUES (5, 0, 'owed#0', 'left', NULL, CAST('{"account":"acc-owed","attempts":1,"completedAt":"2026-09-21T14:13:21Z","durationMs":1000,"effect":"left","generation":0,"jobId":"owed","outcome":"left","version":1}' AS BLOB), NULL, NULL, NULL,
    1790000001000);
INSERT INTO owed VALUES (X'6f776564', 0);
INSERT INTO jobs (number, job_id, account, token_sha256, generation, copy, attempts, ambiguous, intent, malformed, first_seen, first_call, due,
    copy_published, finished, letter_published, changed, revision)
    VALUES (6, X'64656164', X'6163632d64656164', X'5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c', 0, 0, 0, 0, 0, 0, 1790000000000, NULL, NULL, 0, 1, 1, 1790000001000, 1);
INSERT INTO results VALUES (6, 0, 'dead#0', 'failed', 'credential_not_found', CAST('{"account":"acc-dead","attempts":1,"completedAt":"2026-09-21T14:13:21Z","durationMs":1000,"effect":"not_left","generation":0,"jobId":"dead","outcome":"failed","reason":"credential_not_found","version":1}' AS BLOB), NULL, NULL, NULL,
    1790000001000);
INSERT INTO history VALUES (4, 1, 1790000000000, 0, 'claimed', 'first call');
INSERT INTO days VALUES ('2026-09-21', 3, 0, 1790000000000);
INSERT INTO holds VALUES ('quota_day', 1790000000000, 1790000005000, 'a day of long ago');
INSERT INTO meta VALUES ('created', 1790000000000);
INSERT INTO cancels VALUES (X'6e657665722d63616d65', 1790000000000);
