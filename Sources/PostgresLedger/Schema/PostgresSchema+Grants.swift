extension PostgresSchema {
    /// The users' grants, each a row that whoever refreshes it leases, and the line in which all who refresh stand. It only
    /// adds: a program of the version before works on beside it.
    ///
    /// `account` is in `jobs` as well; the rest is sealed. `in_doubt`: a lease ended by itself, and nothing was written since.
    static let grants = [
        """
        CREATE TABLE leave_album.grants (
            account bytea PRIMARY KEY,
            sealed bytea NOT NULL,
            version bigint NOT NULL,
            sealed_access bytea,
            access_until timestamptz,
            refresh_fence bigint,
            refresh_until timestamptz,
            in_doubt boolean NOT NULL DEFAULT false,
            changed timestamptz NOT NULL
        ) WITH (fillfactor = 50)
        """,
        """
        CREATE TABLE leave_album.refreshes (
            id boolean PRIMARY KEY CHECK (id),
            next timestamptz NOT NULL
        ) WITH (fillfactor = 10)
        """,
        "INSERT INTO leave_album.refreshes (id, next) VALUES (true, now())",
    ]
}
