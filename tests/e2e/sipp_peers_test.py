#!/usr/bin/env python3
"""Calls between two SIPp processes through the SBC: each pair of scenarios/, in both directions.

SIPp is the judge of both legs: of the seed's shapes, of a hang-up by either side, of CANCEL, busy,
refusals, ringing that is given up, and re-INVITEs. All pairs run at once, each through a connector
of its own, so that the choice of the connector is judged too. Then the SBC's own records must add
up to what was called, and nothing may be left. Skipped (77) where there is no sipp.
"""

from collections import Counter

from rig import Failure, Rig, SCENARIOS, Sbc, Sipp, connector, free_port, need, run

CALLS = 5

# Caller, callee, and what the SBC must say of each call: how it ended, the status the caller got.
PAIRS = [
    ("connector-inbound", "pbx-inbound", "caller_hung_up", "200"),
    ("connector-inbound-callee-bye", "pbx-inbound-bye", "callee_hung_up", "200"),
    ("connector-inbound-reinvite", "pbx-inbound-reinvite", "caller_hung_up", "200"),
    ("connector-inbound-busy", "pbx-inbound-busy", "failed", "486"),
    ("connector-inbound-reject", "pbx-inbound-reject", "failed", "603"),
    ("connector-inbound-no-answer", "pbx-inbound-no-answer", "canceled", "487"),
    ("connector-inbound-cancel", "pbx-inbound-cancelled", "canceled", "487"),
    ("pbx-outbound", "connector-outbound", "caller_hung_up", "200"),
    ("pbx-outbound-callee-bye", "connector-outbound-bye", "callee_hung_up", "200"),
    ("pbx-outbound-reinvite", "connector-outbound-reinvite", "caller_hung_up", "200"),
    ("pbx-outbound-busy", "connector-outbound-busy", "failed", "486"),
    ("pbx-outbound-reject", "connector-outbound-reject", "failed", "403"),
    ("pbx-outbound-no-answer", "connector-outbound-no-answer", "canceled", "487"),
    ("pbx-outbound-cancel", "connector-outbound-cancelled", "canceled", "487"),
]


class Pair:
    """One caller and one callee with a connector between them."""

    def __init__(self, number, caller, callee, end, status):
        self.number, self.caller, self.callee = number, caller, callee
        self.end, self.status = end, status
        self.inbound = caller.startswith("connector")
        self.pbx, self.trunk = f"127.0.1.{number}", f"127.0.2.{number}"
        self.callee_ip = self.pbx if self.inbound else self.trunk
        self.caller_ip = self.trunk if self.inbound else self.pbx
        self.callee_port = free_port(self.callee_ip)
        ports = {self.callee_ip: self.callee_port}
        self.connector = connector(
            number, (self.trunk, ports.get(self.trunk) or free_port(self.trunk)),
            [(self.pbx, ports.get(self.pbx) or free_port(self.pbx))], [self.pbx])


def check_records(sbc, pairs):
    calls = Counter((call["connector"], call["end"], call.get("status")) for call in sbc.calls())
    wanted = Counter({(pair.connector["id"], pair.end, pair.status): CALLS for pair in pairs})
    if calls != wanted:
        raise Failure(f"the call log: {calls - wanted} too many, {wanted - calls} missing")
    statuses = Counter(cdr["Status"] for cdr in sbc.cdrs())
    answered = CALLS * sum(pair.status == "200" for pair in pairs)
    if statuses != {"Completed": answered, "Failed": CALLS * len(pairs) - answered}:
        raise Failure(f"the CDRs: {statuses}")


def check_metrics(metrics):
    for event in ("client_dry", "server_dry", "store_dry", "timeout", "unacknowledged",
                  "send_failure"):
        name = f'ringfence_transaction_events_total{{event="{event}"}}'
        if metrics[name] != 0:
            raise Failure(f"{name} is {metrics[name]}")
    for event in ("malformed_answered", "malformed_dropped", "foreign_response"):
        name = f'ringfence_transport_events_total{{event="{event}"}}'
        if metrics[name] != 0:
            raise Failure(f"{name} is {metrics[name]}")
    if metrics["ringfence_failovers_total"] != 0:
        raise Failure("a call failed over, although its route was there")


def test():
    need("sipp", "sip-tester")
    missing = {path.stem for path in SCENARIOS.glob("*.xml")} ^ {
        name for pair in PAIRS for name in pair[:2]}
    if missing:
        raise Failure(f"in scenarios/ or in this test, but not in both: {sorted(missing)}")
    pairs = [Pair(number, *pair) for number, pair in enumerate(PAIRS, 1)]
    with Rig() as rig:
        callees = [Sipp(rig, pair.callee, pair.callee_ip, CALLS, ["-d", 200],
                        port=pair.callee_port) for pair in pairs]
        for callee in callees:
            callee.wait_bound()
        sbc = Sbc(rig, [pair.connector for pair in pairs])
        callers = [
            Sipp(rig, pair.caller, pair.caller_ip, CALLS, [
                "-r", 10, "-d", 200, "-set", "connector", pair.connector["id"],
                f"127.0.0.3:{sbc.trunk_port}" if pair.inbound
                else f"127.0.0.2:{sbc.customer_port}"])
            for pair in pairs]
        failures = []
        for sipp in callers + callees:
            try:
                sipp.finish()
            except Failure as failure:
                failures.append(str(failure))
        if failures:
            raise Failure("\n".join(failures))
        sbc.wait_idle()
        metrics = sbc.metrics()
        sbc.stop()
        check_metrics(metrics)
        check_records(sbc, pairs)
    print(f"{len(pairs)} pairs, {CALLS} calls each")


if __name__ == "__main__":
    run(test)
