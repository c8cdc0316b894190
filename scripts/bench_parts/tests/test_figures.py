"""What the bench makes of its figures."""

import sqlite3
import tempfile
import unittest
from pathlib import Path

from bench_parts import axes, goals, ledgers, measures, micro, tables, workers


def throughput(worker, number, rate, cpu=100.0, axis="workers", point="64 in flight"):
    return {"measure": "throughput", "axis": axis, "point": point, "round": number, "worker": worker,
            "jobsPerSecond": rate, "cpuMicrosecondsPerJob": cpu, "databaseMicrosecondsPerJob": 0.0, "peakBytes": 2**20, "startToFirstMilliseconds": 90.0}


def paced(worker, number, p99, point="full"):
    return {"measure": "latency", "axis": "latency", "point": point, "round": number, "worker": worker, "p50": 1.0,
            "p99": p99, "rate": 100}


def row(records, name):
    found, = (row for row in goals.table(records) if row["name"].startswith(name))
    return found


class Goals(unittest.TestCase):
    def test_a_ratio_is_of_runs_of_the_same_round(self):
        records = [throughput("daemon", 1, 100), throughput("durable-floor", 1, 50),
                   throughput("daemon", 2, 300), throughput("durable-floor", 2, 300)]
        found = row(records, "jobs/s, × a C floor with a ledger")
        self.assertEqual(found["measured"], {"median": 1.5, "min": 1.0, "max": 2.0})
        self.assertTrue(found["reached"])

    def test_a_ratio_below_the_goal_is_not_reached(self):
        found = row([throughput("daemon", 1, 499), throughput("go-sqlite", 1, 100)], "jobs/s, × Go with SQLite")
        self.assertIs(found["reached"], False)

    def test_the_ledger_in_a_database_is_compared_with_the_embedded_one_of_its_round(self):
        records = [throughput("daemon", 1, 100, axis="postgres"), throughput("daemon-postgres", 1, 80, axis="postgres"),
                   throughput("daemon", 1, 50)]
        self.assertEqual(row(records, "jobs/s over PostgreSQL, × the embedded")["measured"]["median"], 0.8)

    def test_a_speed_up_counts_only_while_the_machine_was_idle(self):
        def several(count, number, rate, idle):
            return throughput("daemon-postgres", number, rate, axis="members", point=count) | {"idleShare": idle}
        records = [several(1, 1, 100, 0.9), several(2, 1, 195, 0.8), several(1, 2, 100, 0.9), several(2, 2, 120, 0.4)]
        found = row(records, "jobs/s of 2 daemons")
        self.assertEqual(found["measured"], {"median": 1.95, "min": 1.95, "max": 1.95})
        self.assertTrue(found["reached"])
        self.assertIsNone(row(records, "jobs/s of 3 daemons")["reached"])

    def test_one_call_too_many_in_one_round_is_a_limit_that_was_not_kept(self):
        records = [{"measure": "spent", "axis": "day", "point": 10_000, "round": number, "worker": "daemon-postgres",
                    "limit": 10_000, "spent": spent} for number, spent in enumerate((9_999, 10_001, 10_000))]
        least, most = (row(records, f"calls of a day by four daemons, × the limit: {word}") for word in ("least", "most"))
        self.assertTrue(least["reached"])
        self.assertIs(most["reached"], False)

    def test_others_beside_a_flood_are_compared_with_themselves_alone(self):
        records = [throughput("daemon-postgres", 1, 1, axis="flood", point=point) | {"startToLastSeconds": seconds}
                   for point, seconds in ((0, 10.0), (30_000, 10.5))]
        self.assertEqual(row(records, "time of others' jobs")["measured"]["median"], 1.05)

    def test_memory_and_time_over_a_database_are_what_is_more_than_embedded(self):
        records = [throughput("daemon", 1, 1, axis="postgres"),
                   throughput("daemon-postgres", 1, 1, axis="postgres") | {"peakBytes": 4 * 2**20},
                   paced("daemon", 1, 3.0, "embedded") | {"axis": "paced"},
                   *(paced("daemon-postgres", 1, p99, point) | {"axis": "paced"}
                     for point, p99 in (("alone", 8.0), ("standby", 29.0)))]
        self.assertEqual(row(records, "peak memory over PostgreSQL")["measured"]["median"], 3.0)
        self.assertEqual(row(records, "p99 over PostgreSQL, more")["measured"]["median"], 5.0)
        self.assertIs(row(records, "p99 over PostgreSQL with a standby")["reached"], False)

    def test_what_no_run_measured_is_neither_reached_nor_missed(self):
        for found in goals.table([]):
            self.assertEqual((found["measured"], found["reached"]), (None, None))

    def test_added_latency_is_what_the_floor_does_not_take(self):
        records = [paced("daemon", 1, 12.0), paced("daemon", 1, 5.0, "normal"), paced("floor", 1, 3.5)]
        self.assertEqual(row(records, "p99 added, durability full")["measured"]["median"], 8.5)
        self.assertEqual(row(records, "p99 added, durability normal")["measured"]["median"], 1.5)

    def test_a_long_backlog_is_compared_with_a_short_one_of_its_round(self):
        records = [throughput("daemon", 1, 100, axis="backlog", point=10_000),
                   throughput("daemon", 1, 89, axis="backlog", point=1_000_000)]
        self.assertIs(row(records, "jobs/s at a backlog")["reached"], False)


class Figures(unittest.TestCase):
    def test_percentiles_are_milliseconds_of_what_was_seen(self):
        found = measures.percentiles([n * 1_000_000 for n in range(1, 101)])
        self.assertEqual((found["p50"], found["p99"], found["max"]), (51.0, 100.0, 100.0))

    def test_tables_are_printed_with_what_is_missing(self):
        text = "\n".join(tables.goals_text(goals.table([throughput("daemon", 1, 100), throughput("go", 1, 200)])))
        self.assertIn("0.50× (0.50–0.50)", text)
        self.assertIn("NO", text)
        self.assertIn("not measured", text)

    def test_workers_that_keep_nothing_have_a_table_of_their_own(self):
        records = [throughput(name, 1, 100) for name in ("daemon", "go", "go-sqlite")]
        text = "\n".join(tables.measured_text(records, {"light": ("go",), "heavy": ("daemon", "go-sqlite"), "none": ()}))
        self.assertEqual([line.split()[0] for line in text.split("\n") if line],
                         ["light", "go", "heavy", "daemon", "go-sqlite"])

    def test_each_worker_is_in_one_table(self):
        self.assertEqual(len(workers.ALL), len(set(workers.ALL)))
        self.assertEqual(set(workers.ALL), set(axes.SHARE))


class Counting(unittest.TestCase):
    RECORDING = """\
fn=(1) main
16 400
cfn=(2) malloc
calls=3 20
16 99
cfn=(3) work
calls=7 30
fn=(3)
30 10
cfn=(2)
calls=2 20
summary: 1234
"""

    def test_allocations_are_calls_of_malloc_by_anyone(self):
        self.assertEqual(micro.read_recording(self.RECORDING), (1234, 5))

    def test_a_piece_above_its_ceiling_fails(self):
        ceilings = {"a": {"instructions": 100, "allocations": 2.0}}
        said = []
        self.assertEqual(micro.judge({"a": {"instructions": 100, "allocations": 2.0}}, ceilings, said.append), 0)
        self.assertEqual(micro.judge({"a": {"instructions": 101, "allocations": 2.0}}, ceilings, said.append), 1)
        self.assertEqual(micro.judge({"a": {"instructions": 100, "allocations": 2.1}}, ceilings, said.append), 1)

    def test_a_piece_without_a_ceiling_and_a_ceiling_without_a_piece_fail(self):
        one = {"instructions": 1, "allocations": 0}
        self.assertEqual(micro.judge({"a": one}, {}, lambda line: None), 1)
        self.assertEqual(micro.judge({}, {"a": one}, lambda line: None), 1)


class LargeLedgers(unittest.TestCase):
    def test_a_job_is_multiplied_with_its_results_and_history_under_new_ids(self):
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "ledger.sqlite3"
            with sqlite3.connect(path) as made:
                made.executescript("""
                    CREATE TABLE jobs (number INTEGER PRIMARY KEY, job_id BLOB, account BLOB, finished INTEGER);
                    CREATE UNIQUE INDEX jobs_id ON jobs (job_id);
                    CREATE TABLE results (job INTEGER, message_id TEXT, body BLOB, PRIMARY KEY (job)) WITHOUT ROWID;
                    CREATE TABLE history (job INTEGER, line INTEGER, PRIMARY KEY (job, line)) WITHOUT ROWID;
                    CREATE TABLE tally (entries INTEGER, ever INTEGER);
                    INSERT INTO tally VALUES (2, 2);
                    INSERT INTO jobs VALUES (3, CAST('first' AS BLOB), CAST('a' AS BLOB), 1),
                        (7, CAST('open' AS BLOB), CAST('a' AS BLOB), 0);
                    INSERT INTO results VALUES (3, 'first#0', CAST('{"jobId":"first"}' AS BLOB));
                    INSERT INTO history VALUES (3, 1), (3, 2);""")
            ledgers.multiply(path, 50)
            with sqlite3.connect(path) as made:
                def count(text):
                    return made.execute(text).fetchone()[0]
                self.assertEqual(count("SELECT count(*) FROM jobs"), 52)
                self.assertEqual(count("SELECT max(number) FROM jobs"), 57)
                self.assertEqual(count("SELECT entries FROM tally"), 52)
                self.assertEqual(count("SELECT count(*) FROM history"), 102)
                self.assertEqual(count("SELECT count(*) FROM sqlite_schema WHERE sql LIKE '% INDEX %'"), 1)
                results = made.execute("SELECT job_id, message_id, body FROM results JOIN jobs ON number = job")
                for job_id, message_id, body in results:
                    self.assertEqual(message_id, job_id.decode() + "#0")
                    self.assertEqual(body, b'{"jobId":"' + job_id + b'"}')
