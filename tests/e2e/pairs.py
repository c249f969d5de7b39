"""Pairs of scenarios, a caller and a callee, played by SIPp through the SBC, all at once."""

from collections import Counter

from rig import CUSTOMER, Failure, SCENARIOS, TRUNK, Sipp, connector, free_port

CALLS = 5  # A pair.

# Caller, callee, and what the SBC must say of each call: how it ended, the status the caller got.
PAIRS = [
    ("connector-inbound", "pbx-inbound", "caller_hung_up", "200"),
    ("connector-inbound-callee-bye", "pbx-inbound-bye", "callee_hung_up", "200"),
    ("connector-inbound-reinvite", "pbx-inbound-reinvite", "caller_hung_up", "200"),
    ("connector-inbound-callee-hold", "pbx-inbound-hold", "callee_hung_up", "200"),
    ("connector-inbound-busy", "pbx-inbound-busy", "failed", "486"),
    ("connector-inbound-reject", "pbx-inbound-reject", "failed", "603"),
    ("connector-inbound-no-answer", "pbx-inbound-no-answer", "canceled", "487"),
    ("connector-inbound-cancel", "pbx-inbound-cancelled", "canceled", "487"),
    ("pbx-outbound", "connector-outbound", "caller_hung_up", "200"),
    ("pbx-outbound-callee-bye", "connector-outbound-bye", "callee_hung_up", "200"),
    ("pbx-outbound-reinvite", "connector-outbound-reinvite", "caller_hung_up", "200"),
    ("pbx-outbound-callee-refresh", "connector-outbound-refresh", "callee_hung_up", "200"),
    ("pbx-outbound-busy", "connector-outbound-busy", "failed", "486"),
    ("pbx-outbound-reject", "connector-outbound-reject", "failed", "403"),
    ("pbx-outbound-no-answer", "connector-outbound-no-answer", "canceled", "487"),
    ("pbx-outbound-cancel", "connector-outbound-cancelled", "canceled", "487"),
]


class Pair:
    """One caller and one callee, each on an address of its own, and the connector between them.

    `proxies`: addresses and ports of a proxy on the customer and on the trunk side; without them
    the SBC and the two speak directly.
    """

    def __init__(self, number, scenarios, proxies=None):
        self.caller, self.callee, self.end, self.status = scenarios
        self.inbound = self.caller.startswith("connector")
        self.called = f"+1618555{8400 + number}" if self.inbound else f"+1815555{8200 + number}"
        pbx, trunk = f"127.0.1.{number}", f"127.0.2.{number}"
        self.callee_ip, self.caller_ip = (pbx, trunk) if self.inbound else (trunk, pbx)
        self.callee_port = free_port(self.callee_ip)
        nobody = (self.caller_ip, free_port(self.caller_ip))  # The other way is never called.
        ways = [(self.callee_ip, self.callee_port), nobody]
        route, voice_connector = proxies or (ways if self.inbound else ways[::-1])
        self.connector = connector(number, voice_connector, [route], [route[0]])

    def play_callee(self, rig):
        return Sipp(rig, self.callee, self.callee_ip, CALLS, ["-d", 200], port=self.callee_port)

    def play_caller(self, rig, towards):
        return Sipp(rig, self.caller, self.caller_ip, CALLS, [
            "-r", 10, "-d", 200, "-set", "connector", self.connector["id"],
            "-set", "called", self.called, f"{towards[0]}:{towards[1]}"])


def make_pairs(proxies=None, without=()):
    # The talking ones want media files beside them: loadgen_media_test.py plays those.
    missing = {path.stem for path in SCENARIOS.glob("*.xml") if "talking" not in path.stem} ^ {
        name for pair in PAIRS for name in pair[:2]}
    if missing:
        raise Failure(f"in scenarios/ or in pairs.py, but not in both: {sorted(missing)}")
    return [Pair(number, scenarios, proxies) for number, scenarios in enumerate(PAIRS, 1)
            if scenarios[0] not in without]


def play(rig, sbc, pairs, callees, proxies=None):
    """Calls through a running SBC until every SIPp has ended, each as its scenario says."""
    customer, trunk = proxies or ((CUSTOMER, sbc.customer_port), (TRUNK, sbc.trunk_port))
    callers = [pair.play_caller(rig, trunk if pair.inbound else customer) for pair in pairs]
    failures = []
    for sipp in callers + callees:
        try:
            sipp.finish()
        except Failure as failure:
            failures.append(str(failure))
    if failures:
        raise Failure("\n".join(failures))
    sbc.wait_idle()
    return callers


def start_callees(rig, pairs):
    callees = [pair.play_callee(rig) for pair in pairs]
    for callee in callees:
        callee.wait_bound()
    return callees


def check_records(sbc, pairs):
    """The SBC's records, after its stop, against what was called."""
    calls = Counter((call["connector"], call["end"], call.get("status")) for call in sbc.calls())
    wanted = Counter({(pair.connector["id"], pair.end, pair.status): CALLS for pair in pairs})
    if calls != wanted:
        raise Failure(f"the call log: {calls - wanted} too many, {wanted - calls} missing")
    statuses = Counter(cdr["Status"] for cdr in sbc.cdrs())
    answered = CALLS * sum(pair.status == "200" for pair in pairs)
    if statuses != {"Completed": answered, "Failed": CALLS * len(pairs) - answered}:
        raise Failure(f"the CDRs: {statuses}")


def check_metrics(metrics):
    """Nothing was lost, refused to be read, or waited for in vain."""
    for family, events in (
            ("transaction", ("client_dry", "server_dry", "store_dry", "timeout",
                             "unacknowledged", "send_failure")),
            ("transport", ("malformed_answered", "malformed_dropped", "foreign_response"))):
        for event in events:
            name = f'ringfence_{family}_events_total{{event="{event}"}}'
            if metrics[name] != 0:
                raise Failure(f"{name} is {metrics[name]}")
    if metrics["ringfence_failovers_total"] != 0:
        raise Failure("a call failed over, although its route was there")
