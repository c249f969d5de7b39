"""The two load generators, each in either role: ringfence-load and SIPp take the same options."""

import csv
import json
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from bench_process import BenchError, is_bound, wait_until

HERE = Path(__file__).resolve().parent
CALLED = "+16185558387"
BUFFER_BYTES = 4_000_000  # Or a stall of the machine loses calls that no program lost.
PACE = 0.95  # Of the calls a second that were asked for; below, the generator is the limit.
GRACE_S = 3  # A lost datagram comes again within it; then the sample is over, and not clean.


@dataclass(frozen=True)
class Generator:
    name: str
    program: str
    options: tuple = ()

    def command(self, scenario, ip, port, calls, seconds, more):
        return [self.program, "-sf", HERE / f"{scenario}.xml", "-i", ip, "-p", port, "-m", calls,
                "-nostdin", "-buff_size", BUFFER_BYTES, "-timeout", f"{seconds}s",
                "-timeout_error", "-trace_stat", "-fd", "3600", *self.options, *more]


def ringfence_load(binaries, *options):
    program = binaries / "ringfence-load"
    return Generator("ringfence-load", str(program), options) if program.exists() else None


def sipp():
    program = shutil.which("sipp")
    return Generator("sipp", program) if program else None


@dataclass
class Outcome:
    """What one generator process says at its end. `why`: empty when nothing was lost or late."""
    calls: int
    why: str
    p50_ms: float | None = None
    p99_ms: float | None = None
    limited: bool = False  # ringfence-load's own, strict opinion: of lateness even where calls kept
                           # their pace.


class Run:
    """One generator process: made running, ended by finish()."""

    def __init__(self, rig, generator, role, core, local, calls, seconds, more=()):
        self.rig, self.generator, self.role, self.calls = rig, generator, role, calls
        self.rate = calls / seconds
        self.seconds = seconds + GRACE_S
        stem = f"{role}-{time.monotonic_ns()}"
        self.csv, self.json = rig.folder / f"{stem}.csv", rig.folder / f"{stem}.json"
        options = ["-stf", self.csv, *more]
        if generator.name == "ringfence-load":
            options += ["--json", self.json]
        self.process = rig.start(
            stem, generator.command(role, *local, calls, self.seconds, options), core)
        if role == "callee":
            wait_until(f"{generator.name} listens", lambda: is_bound(*local), self.process)

    def finish(self):
        try:
            code = self.process.wait(timeout=self.seconds + 2)
            why = "" if code == 0 else f"exit {code}"
        except subprocess.TimeoutExpired:
            why = "did not end"
        self.rig.end(self.process)
        outcome = self._read(why)
        for path in (self.csv, self.json, self.process.log):
            path.unlink(missing_ok=True)
        return outcome

    def _read(self, why):
        counts = last_line(self.csv)
        done = int(counts.get("SuccessfulCall(C)", 0))
        failed = int(counts.get("FailedCall(C)", 0))
        resent = int(counts.get("Retransmissions(C)", 0))
        pace = float(counts.get("CallRate(C)", 0)) / self.rate
        late = self.role == "caller" and not why and pace < PACE
        reasons = [f"{self.role}: {reason}" for reason in (
            why, f"generator limited, {pace:.0%} of the pace" if late else "",
            f"{failed} failed" if failed else "", f"{resent} resent" if resent else "",
            f"{done} of {self.calls} calls" if done != self.calls else "") if reason]
        outcome = Outcome(done, ", ".join(reasons))
        if self.json.exists():
            add_report(outcome, json.loads(self.json.read_text()))
        return outcome


def last_line(path):
    """The last line of a -trace_stat file by its header's names."""
    if not path.exists():
        return {}
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file, delimiter=";"))
    return dict(zip(rows[0], rows[-1])) if len(rows) > 1 else {}


def add_report(outcome, report):
    """What only ringfence-load tells: set-up times from when a call was due, and its own limits."""
    outcome.limited = report["generator"]["limited"]
    for time_of in report["response_times"].values():
        if time_of["from_planned_us"]["count"] > 0:
            outcome.p50_ms = time_of["from_planned_us"]["p50"] / 1e3
            outcome.p99_ms = time_of["from_planned_us"]["p99"] / 1e3
            return


def start_pair(rig, generators, cores, addresses, rate, seconds):
    """A callee and a caller of so many calls a second. Each argument is (caller's, callee's), but
    for `addresses`: (caller's local, callee's local, where the caller sends).
    """
    caller_at, callee_at, target = addresses
    calls = max(1, round(rate * seconds))
    callee = Run(rig, generators[1], "callee", cores[1], callee_at, calls, seconds)
    caller = Run(rig, generators[0], "caller", cores[0], caller_at, calls, seconds,
                 ["-r", rate, "-l", 1_000_000, "-s", CALLED, f"{target[0]}:{target[1]}"])
    return caller, callee
