#!/usr/bin/env python3
"""tests/rules.py sees what it is there to see."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import rules  # noqa: E402


def table(*rows):
    every = [f"| {rule} | asks | `A.B` | holds |" for rule in rules.RULES]
    for row in rows:
        every[int(row.split("|")[1]) - 1] = row
    return "\n".join(["| rule | what | tests | verdict |", "|---|---|---|---|"] + every)


def complaints(text):
    return rules.complaints(text, {"A.B", "C.D"}, lambda name: name == "bench/stub.cc")


class RulesTest(unittest.TestCase):
    def test_a_whole_table_passes(self):
        self.assertEqual(complaints(table("| 3 | asks | `A.B` `C.D` `bench/stub.cc` | in part |",
                                          "| 4 | asks | | waits for media |")), [])

    def test_a_test_that_is_gone_is_seen(self):
        self.assertEqual(complaints(table("| 3 | asks | `A.B` `A.Gone` | holds |")),
                         ["5: there is no test A.Gone"])
        self.assertEqual(complaints(table("| 3 | asks | `bench/gone.cc` | holds |")),
                         ["5: there is no test bench/gone.cc"])

    def test_a_rule_without_test_or_reason_is_seen(self):
        self.assertEqual(complaints(table("| 3 | asks | | holds |")),
                         ["5: neither a test nor a reason for none"])
        self.assertEqual(complaints(table("| 3 | asks | `A.B` | |")), ["5: no verdict"])

    def test_a_rule_without_a_line_is_seen(self):
        text = "\n".join(line for line in table().split("\n") if not line.startswith("| 7 "))
        self.assertEqual(complaints(text), ["1: rule 7 has no line"])

    def test_it_finds_the_tests_of_this_tree(self):
        known = rules.tests_under(Path(__file__).resolve().parent.parent)
        self.assertIn("PacketIoContract.CarriesEverySize", known)  # TEST_P, in a header
        self.assertIn("WorkerTest.TurnsInTheOrderOfRule5", known)  # TEST_F


if __name__ == "__main__":
    unittest.main()
