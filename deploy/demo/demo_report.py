"""What the demo's processes left behind, added up: the tables, and what does not fit."""

import json
import math
import re
from datetime import datetime, timezone

WORD = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)')
STEP = re.compile(r"(trunk|routes\[\d+\]) (\S+) ([a-z_]+)(?: (\d+))? after")
LEGS = ("caller", "callee")
SHARE_SIGMAS = 4.5  # By chance one run in 150'000 is further off.


class Call:
    """One line of the SBC's calls.log."""

    def __init__(self, line):
        words = {key: value.strip('"') for key, value in WORD.findall(line)}
        self.inbound = words["direction"] == "origination"
        self.end = words["end"]
        self.cause = words.get("cause")
        self.status = int(words.get("status", 0))
        self.source = words["source"].rpartition(":")[0]
        self.setup_ms = float(words["setup_ms"]) if "setup_ms" in words else None
        ended = datetime.strptime(words["time"], "%Y-%m-%dT%H:%M:%S.%fZ")
        ended = ended.replace(tzinfo=timezone.utc).timestamp()
        self.started = ended - (float(words.get("talk_ms", 0)) + (self.setup_ms or 0)) / 1000
        self.id = words["id"]
        # By leg: its Call-ID, and what its media did there, as the SBC measured it.
        self.call_ids = {leg: words.get(f"{leg}_call_id", "") for leg in LEGS}
        self.media = {leg: dict(pair.split("=") for pair in words.get(f"{leg}_media", "").split())
                      for leg in LEGS}
        # Each attempt: the route, its address, what came of it.
        self.steps = [(route, address, event)
                      for route, address, event, _ in STEP.findall(words["routes"])]

    @property
    def answered(self):
        return self.setup_ms is not None

    @property
    def failed_over(self):
        return self.answered and len(self.steps) > 1


def read_calls(folder):
    return [Call(line) for line in (folder / "calls.log").read_text().splitlines()]


def read_records(path):
    """Of a file with a JSON object on each line: cdr.jsonl, media.jsonl."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def percentile(values, percent):
    """Of a sorted list: the smallest value that `percent` of them do not exceed."""
    if not values:
        return 0.0
    return values[max(0, math.ceil(percent / 100 * len(values)) - 1)]


def share_bound(share, count):
    """How far off a drawn share may be by chance."""
    return SHARE_SIGMAS * math.sqrt(share * (1 - share) / count) if count else 1.0


def table(title, columns, rows):
    """Prints a table: the first column to the left, numbers to the right."""
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [columns, *rows]) for i in range(1, len(columns))]
    first = max(len(title), 36, *(len(row[0]) + 2 for row in rows))
    print()
    print(title.ljust(first) + "".join(f"  {c:>{w}}" for c, w in zip(columns[1:], widths)))
    for row in rows:
        print(f"  {row[0]}".ljust(first) + "".join(f"  {c:>{w}}" for c, w in zip(row[1:], widths)))


def names(failures):
    """{"MediaJitter": 3, "MediaMos": 1} for people."""
    return ", ".join(f"{name} {count}" for name, count in sorted(
        failures.items(), key=lambda failure: -failure[1]))


def too_slow(generators):
    """By name, why a generator says that it fell behind, or lost packets by its own doing."""
    limits = ((name, generator.summary()["generator"]) for name, generator in generators)
    return {name: said["reasons"] for name, said in limits if said["limited"]}


class Checks:
    """What must hold for the demo to pass. Nothing is said before show()."""

    def __init__(self):
        self.found = []

    @property
    def failures(self):
        return [what for ok, what, _ in self.found if not ok]

    @property
    def inexcusable(self):
        return [what for ok, what, excusable in self.found if not ok and not excusable]

    def show(self):
        print("\nDoes it add up?")
        for ok, what, _ in self.found:
            print(f"  {'ok ' if ok else 'BAD'}  {what}")

    def equal(self, what, *values):
        """All the same; `values` are (whose, number)."""
        ok = len({number for _, number in values}) == 1
        said = " = ".join(f"{number} {whose}" for whose, number in values)
        if not ok:
            said = " but ".join(f"{number} {whose}" for whose, number in values)
        self.that(ok, f"{what}: {said}")

    def that(self, ok, what, excusable=True):
        """`excusable`: a generator that was too slow may be why it is not so."""
        self.found.append((ok, what, excusable))
