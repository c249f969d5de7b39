#!/usr/bin/env python3
"""Checks core/net/RULES.md: each test that it names exists, each rule has a line, none is empty.

    tests/rules.py [ROOT]      prints what is wrong, exits 1 if anything is

A name in backticks in the column of tests is Suite.Test as GoogleTest prints it (without instances
and parameters), or the path of a file.
"""

import re
import sys
from pathlib import Path

RULES = range(1, 23)
TEST = re.compile(r"^TEST(?:_[FP])?\(\s*(\w+),\s*(\w+)\s*\)", re.M)
# What a line without a test must say instead.
WITHOUT_TEST = ("by absence", "waits", "not there")


def tests_under(root):
    names = set()
    for file in sorted(root.glob("tests/**/*")):
        if file.suffix in (".cc", ".h"):
            names |= {f"{suite}.{test}" for suite, test in TEST.findall(file.read_text("utf-8"))}
    return names


def lines_of(text):
    """Yields (line number, cells) of each row of its tables, without heads and rules."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("|") and not re.match(r"\|[-|]+$", line):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if cells[0] not in ("rule", "item"):
                yield number, cells


def complaints(text, known, exists):
    """`known`: the names of all tests; `exists`: whether there is a file of that path."""
    rules_seen, found = set(), []
    for number, cells in lines_of(text):
        if cells[0].isdigit():
            rules_seen.add(int(cells[0]))
        tests, verdict = re.findall(r"`([^`]+)`", cells[-2]), cells[-1]
        for name in tests:
            if name not in known and not ("/" in name and exists(name)):
                found.append(f"{number}: there is no test {name}")
        if not verdict:
            found.append(f"{number}: no verdict")
        if not tests and not verdict.startswith(WITHOUT_TEST):
            found.append(f"{number}: neither a test nor a reason for none")
    found += [f"1: rule {rule} has no line" for rule in RULES if rule not in rules_seen]
    return found


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent)
    path = root / "core/net/RULES.md"
    found = complaints(path.read_text("utf-8"), tests_under(root),
                       lambda name: (root / name).is_file())
    for complaint in found:
        print(f"core/net/RULES.md:{complaint}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
