"""What a database tells one role that is not so. Each is SQL that its superuser runs once the schema is declared."""

ROLE = "album_broken"
#: How far a host's clock is ahead: leases of others seem over at once, and others do not seem dead yet.
AHEAD_SECONDS = 7

#: `now()` is looked up in the role's own schema first.
HOST_CLOCK = (
    "CREATE SCHEMA host_clock",
    *(f"""
    CREATE FUNCTION host_clock.{name}() RETURNS timestamptz LANGUAGE sql {kind}
    AS $$ SELECT pg_catalog.{name}() + interval '{AHEAD_SECONDS} s' $$
    """ for name, kind in (("now", "STABLE"), ("clock_timestamp", "VOLATILE"))),
    f"GRANT USAGE ON SCHEMA host_clock TO {ROLE}",
    f"ALTER ROLE {ROLE} SET search_path = host_clock, pg_catalog",
)

#: What it writes of a job never says that a call is about to begin.
NO_INTENT = (
    """
    CREATE FUNCTION leave_album.forget_intent() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN NEW.intent := false; RETURN NEW; END $$
    """,
    f"""
    CREATE TRIGGER forget_intent BEFORE INSERT OR UPDATE ON leave_album.jobs FOR EACH ROW
    WHEN (current_user = '{ROLE}') EXECUTE FUNCTION leave_album.forget_intent()
    """,
)

#: What it was allotted of the day, and what it has spent, stands nowhere; it may spend it all the same.
NO_SHARE = (
    """
    CREATE FUNCTION leave_album.forget_allotment() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.allotments := CASE WHEN TG_OP = 'UPDATE' THEN OLD.allotments ELSE '{"shares":[]}' END;
        RETURN NEW;
    END $$
    """,
    """
    CREATE FUNCTION leave_album.forget_spending() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN NEW.calls := 0; NEW.probes := 0; RETURN NEW; END $$
    """,
    *(f"""
    CREATE TRIGGER forget BEFORE INSERT OR UPDATE ON leave_album.{table} FOR EACH ROW
    WHEN (current_user = '{ROLE}') EXECUTE FUNCTION leave_album.{function}()
    """ for table, function in (("days", "forget_allotment"), ("day_shares", "forget_spending"))),
)

#: Of the turn to probe it sees its own alone, and nobody sees that.
OWN_TURN = (
    "ALTER TABLE leave_album.cluster RENAME TO cluster_of_all",
    "CREATE TABLE leave_album.turn_of_one (turn jsonb)",
    "INSERT INTO leave_album.turn_of_one VALUES (NULL)",
    """
    CREATE FUNCTION leave_album.with_turn(shared bytea, turn jsonb) RETURNS bytea LANGUAGE sql STABLE
    AS $$ SELECT CASE WHEN shared = '' THEN shared ELSE convert_to(((convert_from(shared, 'UTF8')::jsonb - 'turn')
        || CASE WHEN turn IS NULL THEN '{}' ELSE jsonb_build_object('turn', turn) END)::text, 'UTF8') END $$
    """,
    f"""
    CREATE VIEW leave_album.cluster AS SELECT id, schema, compatible_with, program, created, identity, version,
    CASE WHEN current_user = '{ROLE}' THEN leave_album.with_turn(shared, (SELECT turn FROM leave_album.turn_of_one))
    ELSE shared END AS shared, written_as, move FROM leave_album.cluster_of_all
    """,
    f"""
    CREATE FUNCTION leave_album.save_cluster() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF current_user = '{ROLE}' AND NEW.shared <> '' THEN
            UPDATE leave_album.turn_of_one SET turn = convert_from(NEW.shared, 'UTF8')::jsonb -> 'turn';
            NEW.shared := leave_album.with_turn(NEW.shared, (
                SELECT CASE WHEN shared <> '' THEN convert_from(shared, 'UTF8')::jsonb -> 'turn' END
                FROM leave_album.cluster_of_all));
        END IF;
        UPDATE leave_album.cluster_of_all SET version = NEW.version, shared = NEW.shared, written_as = NEW.written_as
        WHERE version = OLD.version;
        IF NOT FOUND THEN RETURN NULL; END IF;
        RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER save_cluster INSTEAD OF UPDATE ON leave_album.cluster FOR EACH ROW
    EXECUTE FUNCTION leave_album.save_cluster()
    """,
    # As much as a start asks for, though nobody uses the half of it.
    *(f"GRANT SELECT, INSERT, UPDATE, DELETE ON leave_album.{name} TO PUBLIC"
      for name in ("cluster", "cluster_of_all", "turn_of_one")),
)
