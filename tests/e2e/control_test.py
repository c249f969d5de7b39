#!/usr/bin/env python3
"""The life of a node: start, HTTP, calls with sipp at both ends, records, reload, drain, stop.

    tests/e2e/control_test.py FOLDER_OF_THE_PROGRAMS

Proves rules 1 (calls both ways), 10 (/readyz while draining) and 27 (the CDR) of the SBC's rules
with somebody else's user agents.
"""

import json
import re
import signal
import socket
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import sbc_node
from sbc_node import (CONNECTOR, CUSTOMER_SIDE, PBX, TRUNK, TRUNK_SIDE, Node, Ports, Sipp,
                      configuration, wait_for)

BINARIES = None
EXAMPLE = Path(__file__).resolve().parents[2] / "deploy/config/sbc-example.yaml"

# Amazon's fields in Amazon's order; SipAuthUser only stands where there are credentials.
CDR_FIELDS = [
    "AwsAccountId", "TransactionId", "CallId", "VoiceConnectorId", "Status", "StatusMessage",
    "BillableDurationSeconds", "BillableDurationMinutes", "SchemaVersion", "SourcePhoneNumber",
    "SourcePhoneNumberName", "SourceCountry", "DestinationPhoneNumber",
    "DestinationPhoneNumberName", "DestinationCountry", "UsageType", "ServiceCode", "Direction",
    "StartTimeEpochSeconds", "EndTimeEpochSeconds", "Region", "Streaming", "IsProxyCall"]


class ControlTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.ports = Ports()

    def start(self, config=None, name="sbc", prefix=()):
        node = Node(BINARIES, self.folder, config or self.configuration(), name, prefix)
        self.addCleanup(node.kill)
        node.wait_for_event("started")
        return node

    def configuration(self, **changes):
        return configuration(self.ports, self.folder, **changes)

    def sipp(self, scenario, address, port, *arguments):
        sipp = Sipp(self.folder, scenario, address, port, arguments)
        self.addCleanup(sipp.kill)
        return sipp

    def call_out(self, *arguments):
        """A call from the PBX to the trunk; sipp's exit code is 0 where it went as it should."""
        return self.sipp("uac", PBX, self.ports.pbx, "-m", "1", "-s", "+12065550100", *arguments,
                         f"{CUSTOMER_SIDE}:{self.ports.customer_side}")

    def test_calls_both_ways_are_answered_and_recorded(self):
        node = self.start()
        trunk = self.sipp("uas", TRUNK, self.ports.trunk, "-m", "1")
        self.assertEqual(self.call_out("-d", "100").wait(), 0)
        self.assertEqual(trunk.wait(), 0)
        pbx = self.sipp("uas", PBX, self.ports.pbx, "-m", "1")
        call_in = self.sipp("uac", TRUNK, self.ports.trunk, "-m", "1", "-s", "+16185558387",
                            f"{TRUNK_SIDE}:{self.ports.trunk_side}")
        self.assertEqual(call_in.wait(), 0)
        self.assertEqual(pbx.wait(), 0)

        outbound, inbound = node.wait_for_cdrs(2)
        self.assertEqual(list(outbound), CDR_FIELDS)
        self.assertEqual(outbound["AwsAccountId"], "111122223333")
        self.assertEqual(outbound["VoiceConnectorId"], CONNECTOR)
        self.assertEqual((outbound["Status"], outbound["StatusMessage"]),
                         ("Completed", "Normal Call Clearing"))
        self.assertEqual((outbound["BillableDurationSeconds"], outbound["BillableDurationMinutes"]),
                         (6, 0.1))
        self.assertEqual((outbound["Direction"], inbound["Direction"]), ("Outbound", "Inbound"))
        self.assertEqual((outbound["DestinationPhoneNumber"], outbound["DestinationCountry"]),
                         ("+12065550100", "US"))
        self.assertEqual(inbound["UsageType"], "USE1-US-inbound-minutes")
        self.assertRegex(inbound["CallId"], r"^1-\d+@127\.0\.0\.5$")  # The trunk leg's: sipp's own.
        self.assertNotIn("@", outbound["CallId"])                     # The trunk leg's: ours.

        lines = (node.folder / "calls.log").read_text().splitlines()
        self.assertEqual(len(lines), 2)
        self.assertIn(f" id={outbound['TransactionId']} ", lines[0])
        self.assertRegex(lines[0], rf'routes="trunk {TRUNK}:{self.ports.trunk} answered 200 after ')
        self.assertRegex(lines[1], rf'routes="routes\[0\] {PBX}:{self.ports.pbx} answered 200 ')
        self.assertEqual(node.metric(
            f'ringfence_calls_ended_total{{connector="{CONNECTOR}",direction="origination",'
            'end="caller_hung_up"}'), 1)
        wait_for("both calls in the workers' counters",
                 lambda: node.metric("ringfence_calls_answered_total") == 2)
        node.signal(signal.SIGTERM)
        self.assertEqual(node.wait(), 0)

    def test_http_says_how_the_node_is(self):
        node = self.start()
        self.assertEqual(node.get("/healthz"), (200, "ok\n"))
        self.assertEqual(node.get("/readyz"), (200, "ready\n"))
        status, body = node.get("/api/v1/status")
        self.assertEqual(status, 200)
        self.assertEqual((json.loads(body)["node"], json.loads(body)["ready"]), ("e2e", True))
        status, body = node.get("/metrics")
        self.assertEqual(status, 200)
        for line in body.splitlines():
            self.assertRegex(line, r'^(# (HELP|TYPE) ringfence_\w+ .+|'
                                   r'ringfence_\w+(\{(\w+="[^"\\]*",?)+\})? [-+0-9.eE]+|)$')
        self.assertEqual(node.get("/nothing-here")[0], 404)
        self.assertRegex(node.events("media_not_anchored")[0], "signalling only")

    def test_a_failed_route_and_the_next_are_in_the_line(self):
        dead = sbc_node.free_port(PBX)
        config = self.configuration(connector={"routes": [
            {"host": PBX, "port": dead, "priority": 1},
            {"host": PBX, "port": self.ports.pbx, "priority": 2}]})
        node = self.start(config)
        self.sipp("uas", PBX, self.ports.pbx, "-m", "1")
        call_in = self.sipp("uac", TRUNK, self.ports.trunk, "-m", "1", "-s", "+16185558387",
                            f"{TRUNK_SIDE}:{self.ports.trunk_side}")
        self.assertEqual(call_in.wait(), 0)
        node.wait_for_cdrs(1)
        line = (node.folder / "calls.log").read_text()
        self.assertRegex(line, rf'routes="routes\[0\] {PBX}:{dead} transport_error after \d+ ms; '
                               rf'routes\[1\] {PBX}:{self.ports.pbx} answered 200 after \d+ ms"')
        self.assertEqual(node.metric(
            f'ringfence_route_attempts_total{{connector="{CONNECTOR}",side="customer",'
            f'route="{PBX}:{dead}",result="transport_error"}}'), 1)

    def test_reload_takes_a_good_file_and_refuses_a_bad_one(self):
        node = self.start()
        self.sipp("uas", TRUNK, self.ports.trunk)
        self.assertEqual(self.call_out().wait(), 0)
        node.wait_for_cdrs(1)

        # A good file: calls to the trunk are disabled. Rotated logs are opened anew.
        (node.folder / "cdr.jsonl").rename(node.folder / "cdr.jsonl.1")
        config = self.configuration(
            connector={"termination": {"CpsLimit": 0, "CallingRegions": ["US"], "Disabled": True}})
        config["node"]["workers"] = 2  # Needs a restart.
        node.write(config)
        node.signal(signal.SIGHUP)
        self.assertIn("changed=true", node.wait_for_event("reloaded"))
        self.assertIn("termination.Disabled: false -> true", node.events("config_changed")[0])
        self.assertIn("node.workers: 1 -> 2", node.events("config_needs_restart")[0])
        self.assertNotEqual(self.call_out().wait(), 0)
        refused = node.wait_for_cdrs(1)[0]
        self.assertEqual((refused["Status"], refused["StatusMessage"],
                          refused["BillableDurationSeconds"]), ("Failed", "refused: disabled", 0))

        # A bad one: every mistake is said, nothing changes. A log that cannot be opened is, too.
        not_reopened = 'ringfence_logs_not_reopened{kind="sip"}'
        self.assertEqual(node.metric(not_reopened), 0)
        (node.folder / "sip.jsonl").unlink()
        (node.folder / "sip.jsonl").mkdir()
        config["node"]["nmae"] = "x"
        config["limits"]["calls"] = "many"
        node.write(config)
        node.signal(signal.SIGHUP)
        node.wait_for_event("reload_refused", 2)
        errors = "\n".join(node.events("reload_refused"))
        self.assertIn("node.nmae", errors)
        self.assertIn("limits.calls", errors)
        self.assertIn("sip.jsonl", node.wait_for_event("logs_not_reopened"))
        self.assertEqual(node.metric(not_reopened), 1)
        (node.folder / "sip.jsonl").rmdir()
        self.assertNotEqual(self.call_out().wait(), 0)
        self.assertEqual(len(node.wait_for_cdrs(2)), 2)

        # And back again, with a new route: the superseded configurations are given back.
        node.write(self.configuration())
        node.signal(signal.SIGHUP)
        node.wait_for_event("reloaded", 2)
        self.assertEqual(node.metric(not_reopened), 0)
        self.assertEqual(self.call_out().wait(), 0)
        self.assertEqual(node.metric('ringfence_reloads_total{result="accepted"}'), 2)
        self.assertEqual(node.metric('ringfence_reloads_total{result="refused"}'), 1)
        wait_for("one configuration left",
                 lambda: node.metric('ringfence_pool_used{pool="policies"}') == 1)

    def test_drain_waits_for_calls_and_takes_no_new_ones(self):
        node = self.start()
        self.sipp("uas", TRUNK, self.ports.trunk)
        call = self.call_out("-d", "2500")
        wait_for("the call", lambda: node.metric("ringfence_calls_answered_total") == 1)
        node.signal(signal.SIGTERM)
        node.wait_for_event("draining")
        self.assertEqual(node.get("/readyz"), (503, "not ready\n"))
        self.assertEqual(node.get("/healthz")[0], 200)
        late = self.sipp("uac", PBX, sbc_node.free_port(PBX), "-m", "1", "-s", "+12065550101",
                         f"{CUSTOMER_SIDE}:{self.ports.customer_side}")
        self.assertNotEqual(late.wait(), 0)
        self.assertIsNone(node.process.poll())
        self.assertEqual(call.wait(), 0)  # It ends as its own parties want.
        self.assertEqual(node.wait(), 0)
        self.assertEqual([cdr["StatusMessage"] for cdr in node.cdrs()],
                         ["refused: drain", "Normal Call Clearing"])

    def test_a_second_signal_ends_calls_at_once(self):
        node = self.start()
        self.sipp("uas", TRUNK, self.ports.trunk)
        self.call_out("-d", "50000")
        wait_for("the call", lambda: node.metric("ringfence_calls_answered_total") == 1)
        node.signal(signal.SIGTERM)
        node.wait_for_event("draining")
        node.signal(signal.SIGTERM)
        self.assertEqual(node.wait(), 0)
        self.assertIn("calls_left=true", node.events("stopping")[0])
        self.assertEqual(node.cdrs()[0]["StatusMessage"], "stopped")

    def test_two_workers_share_the_calls(self):
        config = self.configuration()
        config["node"]["workers"] = 2
        node = self.start(config)
        self.sipp("uas", TRUNK, self.ports.trunk)
        calls = self.sipp("uac", PBX, self.ports.pbx, "-m", "20", "-r", "20", "-s", "+12065550100",
                          f"{CUSTOMER_SIDE}:{self.ports.customer_side}")
        self.assertEqual(calls.wait(), 0)
        self.assertEqual(len(node.wait_for_cdrs(20)), 20)
        node.signal(signal.SIGTERM)
        self.assertEqual(node.wait(), 0)

    def test_a_start_that_cannot_be_says_why(self):
        self.start()
        other = self.configuration()
        other["admin"]["port"] = sbc_node.free_port("127.0.0.1", sbc_node.socket.SOCK_STREAM)
        self.assertIn(f"listener {CUSTOMER_SIDE}:{self.ports.customer_side}: ",
                      self.refused(other))
        other = self.configuration()
        other["listeners"][0]["port"] = sbc_node.free_port(CUSTOMER_SIDE)
        other["listeners"][1]["port"] = sbc_node.free_port(TRUNK_SIDE)
        self.assertIn(f"admin: cannot listen on 127.0.0.1:{self.ports.admin}: ",
                      self.refused(other))
        other["logs"]["directory"] = "/nowhere/at/all"
        self.assertIn("/nowhere/at/all/calls.log: cannot be written: ", self.refused(other))
        other["listeners"][0]["port"] = 70000
        errors = self.refused(other)
        self.assertRegex(errors, r"listeners\[0\]\.port: .*70000")
        checked = subprocess.run([f"{BINARIES}/ringfence-sbc", "--check-config", "--config",
                                  f"{self.folder}/other.yaml"], capture_output=True, text=True,
                                 timeout=sbc_node.PATIENCE, check=False)
        self.assertEqual((checked.returncode, checked.stderr), (1, errors))

    def test_too_few_descriptors_are_said(self):
        node_path = f"{self.folder}/few.yaml"

        def run(limit, configuration, *more):
            with open(node_path, "w") as out:
                json.dump(configuration, out)
            ran = subprocess.run(
                ["sh", "-c", f'ulimit -n {limit} && exec "$0" --config "$@"',
                 f"{BINARIES}/ringfence-sbc", node_path, *more],
                capture_output=True, text=True, timeout=sbc_node.PATIENCE, check=False)
            return ran.returncode, ran.stdout + ran.stderr
        code, said = run(100, self.configuration())
        self.assertEqual(code, 1)
        self.assertIn("the hard limit is 100", said)
        # Before the first of them is opened: all media ports, not as many as calls would have.
        anchoring = self.configuration() | {"limits": {"calls": 10}, "media": [
            {"side": side, "address": address, "ports": "20000-20499", "shared": False}
            for side, address in (("customer", CUSTOMER_SIDE), ("trunk", TRUNK_SIDE))]}
        code, said = run(1000, anchoring)
        self.assertEqual(code, 1)
        self.assertIn("open files: 1514 are needed and the hard limit is 1000", said)
        code, said = run(1000, anchoring, "--check-config")
        self.assertEqual(code, 0)
        self.assertIn("a start wants 1514 descriptors, and the hard limit of open files is 1000",
                      said)

    # A log at the size that it may have is that write's error, as a full disk is: calls go on.
    def test_a_log_that_may_not_grow_costs_no_call(self):
        node = self.start(prefix=["sh", "-c", 'ulimit -f 1 && exec "$0" "$@"'])
        self.sipp("uas", TRUNK, self.ports.trunk)
        for _ in range(3):
            self.assertEqual(self.call_out().wait(), 0)
        wait_for("records that were lost",
                 lambda: (node.metric('ringfence_records_lost_total{kind="call_line"}') or 0) > 0)
        node.signal(signal.SIGTERM)
        self.assertEqual(node.wait(), 0)

    # No record is made of what gets no answer, so the node itself says it.
    def test_an_unknown_connector_is_said(self):
        node = self.start()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trunk:
            trunk.bind((TRUNK, self.ports.trunk))
            trunk.sendto(
                f"INVITE sip:+16185558387@{TRUNK_SIDE} SIP/2.0\r\n"
                f"Via: SIP/2.0/UDP {TRUNK}:{self.ports.trunk};branch=z9hG4bK1\r\n"
                "From: <sip:+12065550100@example.com>;tag=1\r\n"
                "To: <sip:+16185558387@example.com>\r\n"
                "Call-ID: unknown\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n"
                "X-VoiceConnector-ID: nosuch\r\nContent-Length: 0\r\n\r\n".encode(),
                (TRUNK_SIDE, self.ports.trunk_side))
            line = node.wait_for_event("dropped_without_answer")
        self.assertIn(f"source={TRUNK}:{self.ports.trunk} cause=cidr", line)
        self.assertIn('reason="names a connector that is not the source', line)

    def refused(self, config):
        node = Node(BINARIES, self.folder, config, "other")
        self.addCleanup(node.kill)
        self.assertEqual(node.wait(), 1)
        self.assertEqual(node.events("started"), [])
        return node.log()

    def test_the_command_line(self):
        def run(*arguments):
            ran = subprocess.run([f"{BINARIES}/ringfence-sbc", *arguments], capture_output=True,
                                 text=True, timeout=sbc_node.PATIENCE, check=False)
            return ran.returncode, ran.stdout + ran.stderr
        self.assertRegex(run("--version")[1], re.compile(r"^Ringfence \d+\.\d+\.\d+$", re.M))
        self.assertIn("--check-config", run("--help")[1])
        self.assertEqual(run()[0], 1)
        self.assertEqual(run("--confg", "x")[0], 1)
        self.assertEqual(run("--config", "/nowhere.yaml")[0], 1)
        with open("/dev/full", "wb") as full:
            for arguments in (["--help"], ["--check-config", "--config", EXAMPLE]):
                ran = subprocess.run([f"{BINARIES}/ringfence-sbc", *arguments], stdout=full,
                                     stderr=subprocess.PIPE, timeout=sbc_node.PATIENCE, check=False)
                self.assertEqual(ran.returncode, 1, arguments)
                self.assertIn(b"cannot be written", ran.stderr)


if __name__ == "__main__":
    sbc_node.skip_without_sipp()
    BINARIES = sys.argv.pop(1)
    unittest.main(verbosity=2)
