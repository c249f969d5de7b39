#!/usr/bin/env python3
"""What the demo says of a run: whose fault it was, and by which name."""

import contextlib
import io
import sys
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "deploy/demo"))
sys.dont_write_bytecode = True
import demo_programs  # noqa: E402
import demo_report  # noqa: E402
import run_demo  # noqa: E402

CALLERS = ("inbound", "outbound-a", "outbound-b", "region", "caller_id", "cidr")
CALLEES = ("pbx-a", "pbx-b-again", "connector")


def percentiles():
    return {name: 1000 for name in ("p50", "p90", "p95", "p99", "max")}


class Generator(demo_programs.Generator):
    """A generator that has ended, and left a summary of so many calls."""

    def __init__(self, made, failures=None, limits=()):
        failed = sum((failures or {}).values())
        self.said = {
            "calls": {"created": made, "successful": made - failed, "failed": failed,
                      "retransmissions": 0, "failures": {"TimeoutOnRecv": 0} | (failures or {})},
            "generator": {"limited": bool(limits), "reasons": list(limits)},
            "response_times": {"1": {"from_planned_us": percentiles()}},
            "media": {"received": {"packets": 50 * made, "lost": 0},
                      "call_jitter_us": percentiles(), "call_mos_milli": {"p50": 4409, "min": 3570},
                      "per_call": [],
                      "marks": {"misrouted": 0, "one_way_us": percentiles()}}}

    def summary(self):
        return self.said


class Verdict(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        for name in ("calls.log", "cdr.jsonl"):
            Path(folder.name, name).touch()
        self.demo = run_demo.Demo(SimpleNamespace(running=[]))
        self.demo.callers = {name: Generator(10) for name in CALLERS}
        self.demo.callees = {name: Generator(10) for name in CALLEES} | {"pbx-b": None}
        self.demo.sbc = SimpleNamespace(logs=Path(folder.name), routes=[
            {"Host": run_demo.PBX_A, "Port": 5060, "Weight": 3},
            {"Host": run_demo.PBX_B, "Port": 5060, "Weight": 1}])
        self.demo.metrics = demo_programs.Metrics("")

    def report(self):
        """What is wrong, and all that was printed."""
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            failures = self.demo.report()
        return failures, printed.getvalue()

    def test_a_slow_generator_is_said_before_anything_of_the_sbc(self):
        late = "8.9% of the audio packets left more than 10 ms late (p99 21.00 ms)"
        self.demo.callers["inbound"] = Generator(640, {"MediaJitter": 465}, [late])
        self.demo.callees["connector"] = Generator(10, limits=["3 datagrams were dropped"])
        failures, printed = self.report()
        self.assertEqual(failures, ["this machine was too slow: Voice Connector, which calls: "
                                    f"{late}; and 1 more"])
        self.assertIn("\n  Voice Connector\n    3 datagrams were dropped\n", printed)
        self.assertNotIn("BAD", printed)
        self.assertIn("\nSo this is not held against the SBC\n  inbound calls: 640 pl", printed)

    def test_one_late_call_fails_nothing_that_adds_up(self):
        late = "1.3% of the calls began more than 10 ms late (p99 15.60 ms, max 15.60 ms)"
        self.demo.callers["outbound-b"] = Generator(75, limits=[late])
        checks = demo_report.Checks()
        checks.that(True, "all is well")
        self.demo.check = lambda: checks
        failures, printed = self.report()
        self.assertEqual(failures, [])
        self.assertIn("  ok   all is well\n"
                      f"  though late itself: PBX B, which calls: {late}\n", printed)

    def test_bad_voice_is_no_call_that_was_not_answered(self):
        self.demo.callers["inbound"] = Generator(
            640, {"MediaJitter": 465, "MediaMos": 19, "TimeoutOnRecv": 4})
        failures, printed = self.report()
        self.assertRegex(printed, r"inbound   Voice Connector -> PBXs +640 +636 +484 +4 +99.4 %")
        self.assertIn("inbound: bad voice: MediaJitter 465, MediaMos 19\n", printed)
        self.assertIn("inbound: failed: TimeoutOnRecv 4\n", printed)
        self.assertIn("voice at Voice Connector, which calls: "
                      "MediaJitter 465, MediaMos 19", failures)
        self.assertIn("answered calls: 0 CDRs say Completed but 656 callers' count", failures)

    def test_good_voice_is_said_to_be(self):
        failures, printed = self.report()
        self.assertIn("ok   voice at PBX A, which calls: good\n", printed)
        self.assertFalse([failure for failure in failures if failure.startswith("voice")])


if __name__ == "__main__":
    unittest.main()
