"""What the containers are set up by stands on docs/cluster.md as it is looked for there."""
import unittest

from system_test_parts.cluster import page


class Page(unittest.TestCase):
    def test_each_block_is_what_it_is_taken_for(self):
        found = page.Instructions()
        self.assertIn("createuser --pwprompt album_owner", found.database)
        self.assertIn("createuser --pwprompt album_worker", found.database)
        self.assertTrue(found.settings.startswith("[ledger]\n"), found.settings)
        self.assertIn('instance = "worker-1"', found.settings)
        self.assertIn("<<< PASSWORD", found.declare)
        self.assertIn("leave-albumd ledger declare --url", found.declare)
        self.assertIn("check --live", found.start)
        self.assertTrue(all(line.split()[1] == "leave_album" for line in found.log_in.splitlines()), found.log_in)

    def test_a_block_ends_where_its_indentation_does(self):
        text = "One:\n\n    a\n      b\n\n    c\n\nTwo:\n\n    d\n"
        self.assertEqual(page.blocks(text), ["a\n  b\n\nc\n", "d\n"])

    def test_a_section_that_is_not_there_is_an_error(self):
        with self.assertRaises(LookupError):
            page.section("Nothing of the kind")
