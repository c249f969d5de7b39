#!/usr/bin/env python3
"""What the demo says of a run: whose fault it was, by which name, and which records disagree."""

import contextlib
import io
import json
import sys
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "deploy/demo"))
sys.dont_write_bytecode = True
import demo_agreement  # noqa: E402
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
            "media": {"received": {"packets": 50 * made, "lost": 0, "queue_drops": 0},
                      "sent": {"late_us": percentiles()},
                      "call_jitter_us": percentiles(),
                      "call_mos_milli": {"p50": 4409, "min": 3570}, "per_call": [],
                      "marks": {"misrouted": 0, "one_way_us": percentiles()}}}

    def summary(self):
        return self.said


class Verdict(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        for name in ("calls.log", "cdr.jsonl", "media.jsonl"):
            Path(folder.name, name).touch()
        self.demo = run_demo.Demo(SimpleNamespace(running=[], folder=Path(folder.name)))
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

    def test_set_up_times_of_the_sbc_and_of_the_caller_are_of_the_same_calls(self):
        lines = [Records.line(OUTBOUND, "termination", f"pbx-{n}", f"sbc-{n}").replace(
            "127.0.0.9:", f"{source}:").replace("setup_ms=2.000", f"setup_ms={n}.000")
                 for n, source in ((3, run_demo.PBX_A), (7, run_demo.PBX_B))]
        (self.demo.sbc.logs / "calls.log").write_text("\n".join(lines))
        _, printed = self.report()
        self.assertRegex(printed, r"PBX A's, in the SBC: INVITE to 200 +3.0  3.0  3.0  3.0\n")

    def test_a_slow_generator_is_no_excuse_for_records_that_disagree(self):
        self.demo.callees["pbx-a"] = Generator(10, limits=["late"])
        self.demo.callees["pbx-a"].said["media"]["per_call"] = [Records.result("x-1")]
        failures, printed = self.report()
        self.assertEqual(len(failures), 2)
        self.assertIn("disagree 1 times, in 1 calls: call x-1: ", failures[0])
        self.assertEqual(failures[1], "this machine was too slow: PBX A: late")
        excused, _, held = printed.partition("\nBut this is no matter of time\n")
        self.assertIn(f"  {failures[0]}\n", held)
        self.assertNotIn(failures[0], excused)

    def test_a_record_that_disagrees_fails_the_demo(self):
        self.demo.callees["pbx-a"].said["media"]["per_call"] = [Records.result("x-1")]
        failures, printed = self.report()
        what = ("call x-1: PBX A has a result, the SBC's calls.log has no answered call of that "
                "callee")
        self.assertIn(f"\n  {what}\n", printed)
        self.assertIn(f"the SBC's records and the ends disagree 1 times, in 1 calls: {what}",
                      failures)


INBOUND, OUTBOUND = ("11111111-0000-4000-8000-000000000001",
                     "22222222-0000-4000-8000-000000000002")


class Records:
    """Of two calls that agree: an inbound one, of which two packets were lost on the way from the
    Voice Connector to the SBC, and an outbound one. Tests alter one thing."""

    def __init__(self):
        self.log = [self.line(INBOUND, "origination", "vc-1", "sbc-1", caller_lost=2),
                    self.line(OUTBOUND, "termination", "pbx-2", "sbc-2")]
        self.cdrs = [self.cdr(INBOUND, "Inbound", "vc-1"), self.cdr(OUTBOUND, "Outbound", "sbc-2")]
        self.media = [self.record(INBOUND, rem_lost=2), self.record(OUTBOUND)]
        # By leg, at the Voice Connector and at the PBX.
        self.connector_calls = [self.result("vc-1", sent=52)]
        self.pbx_calls = [self.result("pbx-2")]
        self.pbx = [self.result("sbc-1", expected=52, lost=2, mos=4.05)]
        self.connector = [self.result("sbc-2")]
        self.mute = False
        self.queue_drops = 0

    @staticmethod
    def line(call, direction, caller, callee, caller_lost=0):
        media = ("codec=pcmu received=50 sent=50 expected={} lost={} late=0 jitter_ms=1.000 "
                 "mos_lq={}")
        heard = media.format(50 + caller_lost, caller_lost, "4.05" if caller_lost else "4.41")
        return (f'time=2026-01-02T03:04:05.000000Z level=info event=call id={call} connector=c '
                f'direction={direction} end=caller_hung_up status=200 source=127.0.0.9:5060 '
                f'ring_ms=1.000 setup_ms=2.000 talk_ms=1000.000 routes="trunk 127.0.0.21:5060 '
                f'answered 200 after 1 ms" caller_call_id={caller} callee_call_id={callee} '
                f'caller_media="{heard}" callee_media="{media.format(50, 0, "4.41")}"')

    @staticmethod
    def cdr(call, direction, trunk_call_id):
        return {"TransactionId": call, "CallId": trunk_call_id, "Status": "Completed",
                "Direction": direction}

    @staticmethod
    def record(call, rem_lost=0):
        return {"call_id": call, "cust2vc_rtp_packets": 50, "vc2cust_rtp_packets": 50,
                "rem2vc_rtp_packets": 50, "vc2rem_rtp_packets": 50,
                "cust2vc_packets_lost": 0, "rem2vc_packets_lost": rem_lost,
                "cust2vc_jitter": 1000, "rem2vc_jitter": 1000}

    @staticmethod
    def result(call_id, sent=50, expected=50, lost=0, mos=4.409):
        return {"call_id": call_id, "sent": sent, "received": 50, "expected": expected,
                "lost": lost, "late": 0, "jitter_us": 1200, "mos": mos}

    def relays_only(self, packets):
        """Of the outbound call's voice to the PBX, though it gets all of it."""
        self.media[1]["vc2cust_rtp_packets"] = packets
        self.pbx_calls[0].update(received=packets, expected=packets)

    def cross(self):
        """The Voice Connector's ends of the two calls hear each other's callers."""
        for result, own, peer in ((self.connector_calls[0], "7-1", "9-1"),
                                  (self.pbx[0], "9-1", "7-1"), (self.pbx_calls[0], "8-1", "6-1"),
                                  (self.connector[0], "6-1", "5-5")):
            result["marks"] = {"own": own, "peer": peer}

    def disagreements(self, one_way_us=None, late_us=3000):
        agreement = self.compare(one_way_us, late_us)
        self.printed = io.StringIO()
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(self.printed):
            agreement.report(Path(folder))
        return agreement.disagreements

    def compare(self, one_way_us=None, late_us=3000):
        own = {"marks": {"one_way_us": one_way_us or {"p99": 4000, "max": 16000}},
               "received": {"queue_drops": self.queue_drops},
               "sent": {"late_us": {"max": late_us}}}
        ends = [demo_agreement.End(name, leg, own | {"per_call": results})
                for name, leg, results in (("VC calls", "caller", self.connector_calls),
                                           ("PBX calls", "caller", self.pbx_calls),
                                           ("PBX", "callee", self.pbx),
                                           ("VC", "callee", self.connector))]
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            (folder / "calls.log").write_text("\n".join(self.log))
            for name, records in (("cdr", self.cdrs), ("media", self.media)):
                (folder / name).write_text("\n".join(map(json.dumps, records)))
            agreement = demo_agreement.Agreement(
                demo_report.read_calls(folder), demo_report.read_records(folder / "cdr"),
                demo_report.read_records(folder / "media"), ends, mute=lambda call: self.mute)
        agreement.compare()
        return agreement


class Disagreeing(unittest.TestCase):
    def setUp(self):
        self.records = Records()

    def one(self, *words):
        """There is one disagreement, which says all that."""
        found = self.records.disagreements()
        self.assertEqual(len(found), 1, found)
        for word in words:
            self.assertIn(word, found[0])


class FigureTest(Disagreeing):
    def test_records_that_agree_are_said_to(self):
        self.assertEqual(self.records.disagreements(), [])
        self.assertEqual(self.records.compare().verdict(), (
            True, "the SBC's records agree with both ends of 2 calls, and with one end of 0, "
            "whose other did not live to tell"))
        self.assertRegex(self.records.printed.getvalue(),
                         r"VC calls +1  2 of 5  0 of 5  0 of 0  0 of 5  0.2 of 10.0  0.00 of 0.10")

    def test_packets_under_way_at_the_end_are_no_disagreement_and_more_are(self):
        self.records.pbx_calls[0]["sent"] = 55
        self.records.connector[0]["received"] = 45
        self.assertEqual(self.records.disagreements(), [])
        self.records.connector[0]["received"] = 50
        self.records.pbx_calls[0]["sent"] = 56
        self.one(f"call {OUTBOUND} (pbx-2): at PBX calls: packets sent: 50 by the SBC, "
                 "56 by this end, which may be up to 5 more")
        self.records.pbx_calls[0]["sent"] = 50
        self.records.connector[0]["received"] = 44
        self.one(f"call {OUTBOUND} (pbx-2): at VC: packets heard: 50 by the SBC, "
                 "44 by this end, which may be up to 5 fewer")

    def test_an_sbc_that_relays_only_the_beginning(self):
        self.records.relays_only(40)
        self.assertEqual(self.records.disagreements(), [])  # As many as may be under way.
        self.records.relays_only(39)
        self.one(f"call {OUTBOUND} (pbx-2): VC sent 50, PBX calls heard 39 and missed 0",
                 "10 of them may be under way")

    def test_calls_that_are_crossed(self):
        self.records.cross()
        self.one(f"call {OUTBOUND} (pbx-2): VC heard the marks of call 5-5, PBX calls wrote those "
                 "of call 8-1")

    def test_nobody_hears_more_than_was_sent(self):
        self.records.pbx[0]["received"] = 51
        self.one(f"call {INBOUND} (vc-1): at PBX: packets heard: 50 by the SBC, 51 by this end")

    def test_the_sbc_receives_no_more_than_was_sent(self):
        self.records.media[1]["rem2vc_rtp_packets"] = 51
        self.one(f"call {OUTBOUND} (pbx-2): at VC: packets sent: 51 by the SBC, 50 by this end")

    def test_packets_are_compared_with_their_own_leg_and_direction(self):
        for record, key, end, figure in (
                (0, "rem2vc", "VC calls", "sent"), (0, "vc2rem", "VC calls", "heard"),
                (0, "cust2vc", "PBX", "sent"), (0, "vc2cust", "PBX", "heard"),
                (1, "cust2vc", "PBX calls", "sent"), (1, "vc2cust", "PBX calls", "heard"),
                (1, "rem2vc", "VC", "sent"), (1, "vc2rem", "VC", "heard")):
            self.records = Records()
            self.records.media[record][f"{key}_rtp_packets"] = 70
            self.one(f"at {end}: packets {figure}: 70 by the SBC, ")

    def test_a_longer_stall_that_an_end_owns_up_to_is_allowed_for(self):
        self.records.pbx_calls[0]["sent"] = 57
        self.assertEqual(self.records.disagreements({"p99": 4000, "max": 120_001}), [])
        self.assertEqual(self.records.disagreements(late_us=121_000), [])
        self.one("which may be up to 5 more")

    def test_loss_is_exact_in_each_direction(self):
        for record, key, end in ((0, "rem2vc_packets_lost", "PBX"),
                                 (0, "cust2vc_packets_lost", "VC calls"),
                                 (1, "cust2vc_packets_lost", "VC"),
                                 (1, "rem2vc_packets_lost", "PBX calls")):
            self.records = Records()
            self.records.media[record][key] += 1
            self.one(f"at {end}: packets lost: ", " by the SBC, ", "must be the same")

    def test_what_an_end_dropped_itself_it_has_not_heard(self):
        self.records.pbx_calls[0] |= {"lost": 6, "received": 44, "mos": 3.5}
        self.assertEqual(len(self.records.disagreements()), 2)
        self.records.queue_drops = 6
        self.assertEqual(self.records.disagreements(), [])
        self.records.pbx_calls[0] |= {"lost": 7}
        self.one("packets lost: 0 by the SBC, 7 by this end, which may be up to 6 more")

    def test_jitter_may_differ_by_what_the_way_was_measured_to_add(self):
        self.records.media[0]["rem2vc_jitter"] = 11_200  # 4 + 2 * 16 / 8 + 2 ms more than the end.
        self.assertEqual(self.records.disagreements(), [])
        self.records.media[0]["rem2vc_jitter"] = 11_300
        self.one(f"call {INBOUND} (vc-1): at PBX: jitter, ms: 11.3 by the SBC, 1.2 by this end, "
                 "may differ by 10")
        self.assertEqual(self.records.disagreements({"p99": 5000, "max": 16000}), [])

    def test_an_end_s_jitter_may_be_too_high_as_well(self):
        self.records.connector_calls[0]["jitter_us"] = 11_300
        self.one("at VC calls: jitter, ms: 1 by the SBC, 11.3 by this end, may differ by 10")

    def test_mos_is_within_a_tenth_where_as_many_packets_were_late(self):
        self.records.log[1] = self.records.log[1].replace("mos_lq=4.41", "mos_lq=4.31")
        self.assertEqual(self.records.disagreements(), [])
        self.records.log[1] = self.records.log[1].replace("mos_lq=4.31", "mos_lq=4.30", 1)
        self.one(f"call {OUTBOUND} (pbx-2): at VC: MOS: 4.3 by the SBC, 4.409 by this end, "
                 "may differ by 0.1")

    def test_mos_may_differ_by_what_was_late_to_one_only_and_that_has_a_limit(self):
        self.records.pbx_calls[0] |= {"late": 1, "mos": 4.24}
        self.assertEqual(self.records.disagreements(), [])
        self.records.pbx_calls[0] |= {"late": 6, "mos": 3.3}
        self.one("at PBX calls: packets late: 0 by the SBC, 6 by this end, may differ by 5")

    def test_what_one_does_not_know_the_other_must_not_either(self):
        self.records.pbx_calls[0] |= {"mos": None}
        self.one("at PBX calls: MOS: 4.41 by the SBC, unknown by this end")
        self.records.log[1] = self.records.log[1].replace(" mos_lq=4.41", "")
        self.one("at VC: MOS: unknown by the SBC, 4.409 by this end")
        self.records.connector[0] |= {"mos": None}
        self.assertEqual(self.records.disagreements(), [])

    def test_a_figure_that_the_record_lacks(self):
        del self.records.media[1]["rem2vc_jitter"]
        self.one("at PBX calls: jitter, ms: unknown by the SBC, 1.2 by this end")

    def test_the_record_of_each_minute_adds_its_packets_and_says_the_loss_so_far(self):
        self.records.media[0] |= {"rem2vc_packets_lost": 1}
        self.records.media += [self.records.record(INBOUND, rem_lost=2)]
        for results in (self.records.connector_calls, self.records.pbx):
            results[0] |= {"sent": 100, "received": 100}
        self.assertEqual(self.records.disagreements(), [])


class PartnerTest(Disagreeing):
    def test_calls_without_a_result_of_a_generator(self):
        self.records.connector_calls.clear()
        self.one(f"call {INBOUND} (vc-1): the SBC has a record, no generator has a result of its "
                 "caller vc-1")
        self.records = Records()
        self.records.pbx.clear()
        self.one(f"call {INBOUND} (vc-1): ", "its callee sbc-1")
        self.records.mute = True  # It was killed.
        self.assertEqual(self.records.disagreements(), [])
        self.assertIn("with both ends of 1 calls, and with one end of 1,",
                      self.records.compare().verdict()[1])

    def test_the_killed_callee_s_caller_is_still_compared(self):
        self.records.mute = True
        self.records.pbx.clear()
        self.records.connector_calls[0]["lost"] = 1
        self.one("at VC calls: packets lost: 0 by the SBC, 1 by this end")

    def test_calls_without_a_record_of_the_sbc(self):
        self.records.pbx.append(self.records.result("sbc-9"))
        self.one("call sbc-9: PBX has a result, the SBC's calls.log has no answered call of that "
                 "callee")

    def test_a_call_that_the_sbc_says_failed_has_no_voice(self):
        self.records.log[1] = self.records.log[1].replace(" setup_ms=2.000", "")
        found = self.records.disagreements()
        for what in ("call pbx-2: PBX calls has a result", "call sbc-2: VC has a result",
                     f"call {OUTBOUND}: media.jsonl has a record",
                     f"call {OUTBOUND}: its CDR says Completed"):
            self.assertTrue(any(line.startswith(what) for line in found), found)

    def test_files_of_the_sbc_that_disagree(self):
        for alter, words in (
                (lambda r: r.media.pop(1), "calls.log has it, media.jsonl has no record"),
                (lambda r: r.cdrs.pop(1), "it has 0 CDRs"),
                (lambda r: r.cdrs.append(r.cdrs[1]), "it has 2 CDRs"),
                (lambda r: r.cdrs[1].update(Status="Failed"), "Status: Failed in its CDR"),
                (lambda r: r.cdrs[1].update(Direction="Inbound"), "Direction: Inbound in its CDR"),
                (lambda r: r.cdrs[1].update(CallId="pbx-2"),
                 "CallId: pbx-2 in its CDR, sbc-2 in calls.log")):
            self.records = Records()
            alter(self.records)
            self.one(f"call {OUTBOUND} (pbx-2): {words}")

    def test_a_call_that_two_have_heard(self):
        self.records.connector_calls.append(self.records.pbx_calls[0])
        found = self.records.disagreements()
        self.assertIn("call pbx-2: PBX calls and VC calls both have a result of it", found)

    def test_many_disagreements_are_all_in_a_file_and_the_first_on_the_screen(self):
        self.records.pbx += [self.records.result(f"sbc-{n}") for n in range(20, 32)]
        agreement = self.records.compare()
        with tempfile.TemporaryDirectory() as folder:
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                agreement.report(Path(folder))
            lines = (Path(folder) / "disagreements.txt").read_text().splitlines()
        self.assertEqual(len(lines), 12)
        self.assertEqual(printed.getvalue().count("\n  call "), 10)
        self.assertIn("  and 2 more, all in ", printed.getvalue())
        self.assertEqual(agreement.verdict()[0], False)


if __name__ == "__main__":
    unittest.main()
