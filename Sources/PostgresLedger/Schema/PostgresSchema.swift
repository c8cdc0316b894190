/// The tables, and how a schema of an older version becomes one of this.
enum PostgresSchema {
    /// Steps, in order: the n-th makes version n of version n - 1.
    ///
    /// Identities are bytes, and so is whatever else came from outside, for a text takes no zero byte. Times are the
    /// database's clock's. `jobs` has the newest generation of each job, or of a job that has not come yet the cancel
    /// alone, without an account: on one key the two cannot miss each other. `results` has one row per generation that
    /// ended; what the broker is not known to have says `OutboxRows`. An index whose predicate names `finished`
    /// would make each record a new entry of every index, so that none does.
    static let steps: [SchemaStep] = [
        .expands(tablesOfJobs), .expands(grants), .expands(moves), .expands(builds), .expands(outboxes),
        .indexes(indexesOfOutboxes), .expands(events),
        .contracts(oldest: knowsOutboxes, ["DROP INDEX leave_album.results_unpublished"]),
    ]

    private static let tablesOfJobs = [
        "CREATE SCHEMA leave_album",
        """
        CREATE TABLE leave_album.cluster (
            id boolean PRIMARY KEY CHECK (id),
            schema int NOT NULL,
            compatible_with int NOT NULL,
            program text NOT NULL,
            created timestamptz NOT NULL,
            identity bytea NOT NULL,
            version bigint NOT NULL DEFAULT 0,
            shared bytea NOT NULL DEFAULT '',
            written_as bigint
        )
        """,
        """
        INSERT INTO leave_album.cluster (id, schema, compatible_with, program, created, identity)
        VALUES (true, 0, 0, '', now(), uuid_send(gen_random_uuid()))
        """,
        """
        CREATE TABLE leave_album.jobs (
            job_id bytea PRIMARY KEY,
            account bytea,
            token_sha256 bytea CHECK (length(token_sha256) = 32),
            generation int NOT NULL,
            copy int NOT NULL,
            attempts int NOT NULL,
            malformed int NOT NULL,
            ambiguous boolean NOT NULL,
            intent boolean NOT NULL,
            copy_published boolean NOT NULL,
            finished boolean NOT NULL,
            dead_letter_unpublished timestamptz,
            cancelled smallint NOT NULL,
            first_seen timestamptz NOT NULL,
            first_call timestamptz,
            due timestamptz,
            changed timestamptz NOT NULL,
            revision int NOT NULL,
            fence bigint NOT NULL,
            call_until timestamptz,
            deaths int NOT NULL,
            CHECK ((account IS NULL) = (token_sha256 IS NULL))
        ) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05)
        """,
        "CREATE INDEX jobs_due ON leave_album.jobs (due) WHERE due IS NOT NULL",
        """
        CREATE INDEX jobs_dead_letter ON leave_album.jobs (dead_letter_unpublished)
        WHERE dead_letter_unpublished IS NOT NULL
        """,
        """
        CREATE TABLE leave_album.results (
            job_id bytea NOT NULL,
            generation int NOT NULL,
            message_id bytea NOT NULL,
            outcome text NOT NULL,
            reason text,
            body bytea NOT NULL,
            correlation_id bytea,
            traceparent bytea,
            tracestate bytea,
            completed timestamptz NOT NULL,
            owner int NOT NULL,
            published_at timestamptz,
            PRIMARY KEY (job_id, generation)
        )
        """,
        "CREATE INDEX results_unpublished ON leave_album.results (job_id, generation) WHERE published_at IS NULL",
        "CREATE INDEX results_completed ON leave_album.results (completed, job_id, generation)",
        """
        CREATE TABLE leave_album.history (
            job_id bytea NOT NULL,
            line bigint GENERATED ALWAYS AS IDENTITY,
            at timestamptz NOT NULL,
            generation int NOT NULL,
            kind text NOT NULL,
            detail text NOT NULL,
            PRIMARY KEY (job_id, line)
        )
        """,
        """
        CREATE TABLE leave_album.instances (
            epoch int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            name text NOT NULL,
            version text NOT NULL,
            schema int NOT NULL,
            settings jsonb NOT NULL,
            started timestamptz NOT NULL,
            seen timestamptz NOT NULL,
            alive_until timestamptz NOT NULL,
            state text NOT NULL CHECK (state IN ('working', 'draining', 'gone', 'dead')),
            ended timestamptz,
            report jsonb NOT NULL,
            seen_version bigint
        ) WITH (fillfactor = 10)
        """,
        """
        CREATE TABLE leave_album.accounts (
            account bytea NOT NULL,
            slot smallint NOT NULL,
            busy_fence bigint,
            busy_until timestamptz,
            tat timestamptz,
            wait_cause text,
            wait_until timestamptz,
            step smallint NOT NULL DEFAULT 0,
            PRIMARY KEY (account, slot)
        ) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000)
        """,
        """
        CREATE TABLE leave_album.days (
            day text PRIMARY KEY,
            revision bigint NOT NULL,
            allotments bytea NOT NULL
        )
        """,
        """
        CREATE TABLE leave_album.day_shares (
            day text NOT NULL,
            epoch int NOT NULL,
            calls bigint NOT NULL DEFAULT 0,
            probes bigint NOT NULL DEFAULT 0,
            allotted bigint NOT NULL DEFAULT 0,
            at timestamptz NOT NULL,
            PRIMARY KEY (day, epoch)
        ) WITH (fillfactor = 50)
        """,
        """
        CREATE TABLE leave_album.hold_records (
            cause text NOT NULL,
            since timestamptz NOT NULL,
            epoch int NOT NULL,
            until timestamptz,
            detail text NOT NULL,
            PRIMARY KEY (since, cause, epoch)
        )
        """,
    ]

    /// What `MoveMark` says; no daemon that is older than this column is let in while it forbids it.
    private static let moves = ["ALTER TABLE leave_album.cluster ADD COLUMN move text"]
    /// Programs know of moves from this version on.
    static let knowsMoves = 3

    /// The oldest version of the schema that a member's program works with; in `schema` is the newest that it knows.
    private static let builds = ["ALTER TABLE leave_album.instances ADD COLUMN schema_from int"]

    /// Which results are published without a mark of their own, see `OutboxRows`. Programs that know of that are the only
    /// ones from the step that contracts on, and only then it is used.
    private static let outboxes = [
        "ALTER TABLE leave_album.results ADD COLUMN seq bigint",
        """
        CREATE TABLE leave_album.outboxes (
            owner int PRIMARY KEY,
            published_below bigint NOT NULL
        ) WITH (fillfactor = 10)
        """,
    ]
    private static let indexesOfOutboxes = [
        SchemaStep.Index(
            name: "results_sequence", definition: "leave_album.results (owner, seq) WHERE seq IS NOT NULL"),
        SchemaStep.Index(
            name: "results_unmarked",
            definition: "leave_album.results (job_id, generation) WHERE seq IS NULL AND published_at IS NULL"),
    ]
    private static let knowsOutboxes = 6
    /// In a schema of this version and later ones all programs do.
    static let usesOutboxes = 8

    /// `EventContext`; NULL of a job that was no event, and of whatever a program made that knows none.
    private static let events = ["ALTER TABLE leave_album.jobs ADD COLUMN event bytea"]

    /// The newest that this program knows.
    static var version: Int { steps.count }

    /// It works with no older one.
    static var needed: Int { steps.needed }

    /// What the worker's role needs of each.
    static let tables = [
        "accounts", "cluster", "day_shares", "days", "grants", "history", "hold_records", "instances", "jobs",
        "outboxes",
        "refreshes", "results",
    ]
}
