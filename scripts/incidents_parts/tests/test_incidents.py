"""Each page of docs/incidents has a scenario, and each scenario a page."""
import unittest
from collections import Counter

from incidents_parts import page
from incidents_parts.incident import incidents


class Incidents(unittest.TestCase):
    def test_each_page_has_a_scenario_and_is_in_the_index(self):
        provoked = {one.page for one in incidents()}
        for name in page.names():
            self.assertIn(name, provoked, f"docs/incidents/{name}.md has no scenario: add a function with "
                                          f"`@incident(\"{name}\")` to a module of scripts/incidents_parts")
            self.assertIn(name, page.indexed(), f"docs/incidents/README.md has no line for {name}.md: add one to its "
                                                "table, with what is seen")

    def test_each_scenario_has_a_page_and_a_name_of_its_own(self):
        found = incidents()
        self.assertLess(25, len(found), "the search is broken if it finds few")
        for one in found:
            self.assertIn(one.page, page.names(), f"{one.scenario.__name__} of {one.scenario.__module__} needs "
                                                  f"docs/incidents/{one.page}.md")
        twice = [of for of, count in Counter((one.page, one.case) for one in found).items() if count > 1]
        self.assertEqual(twice, [], "give each scenario of a page another case: @incident(PAGE, CASE)")

    def test_each_page_can_be_read(self):
        for name in page.names():
            self.assertLess(1, len(page.Page(name).signals), name)

    def test_no_row_of_a_table_is_passed_over(self):
        for name in page.names():
            table = (page.FOLDER / f"{name}.md").read_text().split("## How it shows\n", 1)[1].split("\n## ", 1)[0]
            rows = [line for line in table.splitlines() if line.startswith("| ")][1:]
            self.assertEqual(len(page.Page(name).signals), len(rows),
                             f"{name}: a row is a place, and one signal in backticks with nothing beside it")
