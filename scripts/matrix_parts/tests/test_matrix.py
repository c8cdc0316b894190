"""The matrix without a tree: which cells there are, and what is said of them."""
import re
import tempfile
import unittest
from pathlib import Path

from matrix_parts import releases
from matrix_parts.cell import Cell, Outcome, Row, play
from matrix_parts.rows import ROWS
from matrix_parts.stage import Stage, lent, test_words, tests_passed
from matrix_parts.table import summary, table
from testbed import debian


def refuses(stage):
    raise RuntimeError("no\nsuch luck")


STEADY = Row("steady", "what holds", lambda stage: "3 tests", ("bookworm", "trixie"))
SHAKY = Row("shaky", "what may not", refuses, ("trixie",))


class Matrix(unittest.TestCase):
    def test_a_cell_has_its_name_once_and_is_found_by_row_and_release(self):
        cells = [Cell(row, suite) for row in ROWS for suite in row.suites]
        self.assertEqual(len({cell.name for cell in cells}), len(cells))
        for cell in cells:
            self.assertIn(cell.suite, releases.SUITES)
            self.assertTrue(all(map(cell.is_named, (cell.name, cell.row.name, cell.suite))), cell.name)
            self.assertFalse(cell.is_named(cell.name[1:]))

    def test_a_failure_is_an_outcome_with_its_words(self):
        with tempfile.TemporaryDirectory() as directory:
            stage = Stage(Path(directory), "trixie", Path(directory), Path(directory) / "log")
            try:
                outcomes = [play(Cell(row, "trixie"), stage) for row in (STEADY, SHAKY)]
            finally:
                stage.end()
        self.assertEqual([(outcome.passed, outcome.seen) for outcome in outcomes],
                         [(True, "3 tests"), (False, "RuntimeError: no such luck")])
        self.assertIn("shaky-trixie: RuntimeError: no such luck", summary(outcomes))
        self.assertIn("1 passed, 1 failed", summary(outcomes))

    def test_the_table_has_a_column_for_each_release_and_no_line_for_what_was_not_asked(self):
        outcomes = [Outcome(Cell(STEADY, "trixie"), True, "3 tests", 61.4),
                    Outcome(Cell(SHAKY, "trixie"), False, "no", 2)]
        text = table([STEADY, SHAKY, ROWS[0]], ["bookworm", "trixie"],
                     {"bookworm": {"RabbitMQ": "3.10.8"}, "trixie": {"RabbitMQ": "4.0.5", "libcurl": "8"}}, outcomes)
        self.assertEqual(text.splitlines(), [
            "|  | bookworm | trixie |", "| --- | --- | --- |", "| RabbitMQ | 3.10.8 | 4.0.5 |", "| libcurl |  | 8 |",
            "| steady: what holds |  | 3 tests, 61 s |", "| shaky: what may not |  | **failed**, 2 s |"])

    def test_a_run_of_tests_counts_only_if_it_passed_and_had_some(self):
        self.assertEqual(tests_passed("✔ Test run with 143 tests in 20 suites passed after 9.5 seconds."), 143)
        self.assertEqual(tests_passed("✔ Test run with 1 test in 2 suites passed after 139.607 seconds."), 1)
        with self.assertRaisesRegex(RuntimeError, r"^a\(\), b\(\)$"):
            tests_passed("✘ Test a() recorded an issue at X.swift:1:2: no\n✘ Test a() failed after 1 seconds with 1 "
                         "issue.\n✘ Test b() failed after 2 seconds with 1 issue.\n"
                         "✘ Test run with 2 tests in 1 suite failed after 2 seconds with 2 issues.")
        for nothing in ("", "✔ Test run with 0 tests in 0 suites passed after 0.001 seconds."):
            with self.assertRaises(RuntimeError):
                tests_passed(nothing)

    def test_the_command_of_tests_names_what_is_wanted(self):
        words = test_words(Path("/built"), ["A", "B"])
        self.assertEqual(words[0], "/built/leave-albumdPackageTests.xctest")
        self.assertEqual(words[-4:], ["--filter", "A", "--filter", "B"])

    def test_a_library_that_was_lent_to_a_tree_is_told_from_its_own(self):
        self.assertEqual(lent("\tlinux-vdso.so.1 (0x1)\n\tlibsodium.so.23 => /lib/libsodium.so.23 (0x2)\n"
                              "\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x3)\n\tlibx.so.1 => not found\n"),
                         ["libsodium.so.23"])

    def test_what_the_source_needs_is_what_is_installed_to_build_it(self):
        packages = releases.build_packages()
        self.assertIn("librabbitmq-dev", packages)
        self.assertTrue(all(re.fullmatch(r"[a-z0-9+.-]+", name) for name in packages), packages)


class Debian(unittest.TestCase):
    def test_versions_of_dependencies_are_left_out(self):
        self.assertEqual(debian.without_versions("libc6 (>= 2.36), adduser, libpq5 (>= 15~rc1)"),
                         "adduser, libc6, libpq5")

    def test_a_program_in_a_tree_sees_what_it_reads_before_what_it_writes(self):
        self.assertEqual(
            debian.inside("/tree", ["/bin/ls", 1], bind=["/a/b"], read=["/a"])[1:],
            ["/tree", "--read", "/a", "--bind", "/a/b", "--", "/bin/ls", "1"])


if __name__ == "__main__":
    unittest.main()
