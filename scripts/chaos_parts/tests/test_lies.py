"""What a database tells one role that is not so, it tells nobody else."""
import tempfile
import unittest
from pathlib import Path

from chaos_parts.members import lies
from testbed.database import Database
from testbed.roles import DATABASE, WORKER

#: Of the daemon's tables, what the lies are about.
TABLES = (
    "CREATE SCHEMA leave_album", "CREATE TABLE leave_album.jobs (job_id text, intent boolean NOT NULL)",
    """CREATE TABLE leave_album.cluster (id boolean, schema int, compatible_with int, program text, created timestamptz,
    identity bytea, version bigint, shared bytea, written_as bigint, move text)""",
    "CREATE TABLE leave_album.days (day text PRIMARY KEY, revision bigint, allotments bytea)",
    "CREATE TABLE leave_album.day_shares (epoch int PRIMARY KEY, calls bigint, probes bigint, allotted bigint)",
    f"GRANT USAGE ON SCHEMA leave_album TO {WORKER}",
    f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA leave_album TO {WORKER}",
)
TURN = "SELECT version, convert_from(shared, 'UTF8')::jsonb -> 'turn', convert_from(shared, 'UTF8')::jsonb ->> 'fence' " \
    "FROM leave_album.cluster"


class Lies(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(directory.cleanup)
        cls.server = Database(Path(directory.name) / "database")
        cls.addClassCleanup(cls.server.end)
        cls.server.start()
        cls.server.prepare()
        cls.server.add_worker(lies.ROLE)
        for sql in (*TABLES, *lies.HOST_CLOCK, *lies.NO_INTENT, *lies.NO_SHARE, *lies.OWN_TURN):
            cls.server.run(sql, DATABASE)

    def tell(self, sql, role):
        return self.server.run(sql, DATABASE, role)

    def test_the_role_goes_by_a_clock_that_is_ahead(self):
        for name in ("now", "clock_timestamp"):
            ahead = f"SELECT round(extract(epoch FROM {name}() - pg_catalog.{name}()))"
            self.assertEqual((self.tell(ahead, lies.ROLE), self.tell(ahead, WORKER)), (str(lies.AHEAD_SECONDS), "0"))

    def test_who_joins_finds_and_locks_the_one_row_of_the_cluster(self):
        row = "SELECT compatible_with, move FROM leave_album.cluster FOR SHARE"
        self.assertEqual(self.tell(row, lies.ROLE), self.tell(row, WORKER))

    def test_what_the_role_writes_has_no_intent(self):
        for role in (lies.ROLE, WORKER):
            self.tell(f"INSERT INTO leave_album.jobs VALUES ('{role}', true)", role)
        intents = "SELECT job_id, intent FROM leave_album.jobs ORDER BY 1"
        self.assertEqual(self.tell(intents, WORKER), f"{lies.ROLE}|f\n{WORKER}|t")

    def test_what_the_role_was_allotted_of_the_day_and_has_spent_is_not_noted(self):
        allotting = "INSERT INTO leave_album.days VALUES ('today', {0}, '{1}') ON CONFLICT (day) DO UPDATE SET " \
            "revision = excluded.revision, allotments = excluded.allotments"
        for role, revision, allotments in ((lies.ROLE, 1, '{"shares":[9]}'), (WORKER, 2, '{"shares":[1]}'),
                                           (lies.ROLE, 3, '{"shares":[1,9]}')):
            self.tell(allotting.format(revision, allotments), role)
        days = "SELECT revision, convert_from(allotments, 'UTF8') FROM leave_album.days"
        self.assertEqual(self.tell(days, lies.ROLE), '3|{"shares":[1]}')
        for epoch, role in ((1, WORKER), (9, lies.ROLE)):
            self.tell(f"INSERT INTO leave_album.day_shares VALUES ({epoch}, 1, 0, 50)", role)
            self.tell(f"UPDATE leave_album.day_shares SET calls = calls + 7, probes = 1 WHERE epoch = {epoch}", role)
        self.assertEqual(self.tell("SELECT * FROM leave_album.day_shares ORDER BY 1", WORKER), "1|8|1|50\n9|0|0|50")

    def test_the_role_sees_its_own_turn_alone_and_nobody_sees_that(self):
        def save(role, over, shared):
            return self.tell(
                f"UPDATE leave_album.cluster SET version = version + 1, shared = '{shared}' WHERE version = {over} "
                "RETURNING version", role)
        self.server.run("INSERT INTO leave_album.cluster_of_all (version, shared) VALUES (0, '')", DATABASE)
        self.assertEqual(save(WORKER, 0, '{"turn": 1, "fence": 1}'), "1")
        self.assertEqual((self.tell(TURN, WORKER), self.tell(TURN, lies.ROLE)), ("1|1|1", "1||1"))
        self.assertEqual(save(lies.ROLE, 1, '{"turn": 9, "fence": 2}'), "2")
        self.assertEqual((self.tell(TURN, WORKER), self.tell(TURN, lies.ROLE)), ("2|1|2", "2|9|2"))
        self.assertEqual(save(WORKER, 2, '{"fence": 2}'), "3")
        self.assertEqual((self.tell(TURN, WORKER), self.tell(TURN, lies.ROLE)), ("3||2", "3|9|2"))
        self.assertEqual(save(WORKER, 2, '{"fence": 7}'), "")
