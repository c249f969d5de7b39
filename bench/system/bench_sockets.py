"""What kinds of sockets cost a forwarder (a port a call, connected ones, one for all calls), and
what kinds of receives: one that stays armed or is armed anew, one that does not say who sent.
"""

import functools

from bench_measure import alternate
from bench_media import GOAL_AT, STUB_SIDES, Relay, calls_for
from bench_media_calls import Call, routes_text
from bench_process import wait_until
from bench_ratio import ratio_of_pairs
from bench_subjects import Subject

FIRST_PORTS = range(20000, 25000, 1000)  # Of each kind: a ring outlives its process.
NEAR_STUB, FAR_STUB = STUB_SIDES.values()
# By name: the stub's kind, and whether all calls share one port on the trunk's side.
KINDS = {"a port for each, recvmsg": ("recvmsg", False),
         "a port for each, recvmsg, armed anew each time": ("single", False),
         "a port for each, recv, no source": ("recv", False),
         "a port for each, connected, recv": ("connected", False),
         "the trunk's shared, recvmsg": ("recvmsg", True)}
PLAIN = next(iter(KINDS))


def relay_of(rig, binaries, name, budget_us):
    kind, shared = KINDS[name]
    first = FIRST_PORTS[list(KINDS).index(name)]
    calls = [Call(index, (NEAR_STUB, first + (0 if shared else 2 * index)),
                  (FAR_STUB, first + 2 * index)) for index in range(calls_for(GOAL_AT))]
    routes = rig.folder / f"{kind}-{shared}.routes"
    routes.write_text(routes_text(calls, {ip: ip for ip in STUB_SIDES.values()}))
    process = rig.start(f"{kind}-{shared}", [binaries / "socket_stub", kind, budget_us, routes],
                        rig.measured_core)
    wait_until("socket_stub is ready", lambda: "ready" in process.output(), process)
    return Relay(name, Subject(name, process, None), calls)


def measure_sockets(rig, report, binaries, plan):
    # One at a time.
    def sample(name):
        relay = relay_of(rig, binaries, name, plan["budget_us"])
        try:
            return relay.sample(rig, binaries, GOAL_AT, plan["seconds"])
        finally:
            rig.end(relay.subject.process)

    samplers = {name: functools.partial(sample, name) for name in KINDS}
    title = f"sockets, {GOAL_AT} packets/s, {calls_for(GOAL_AT)} calls"
    rounds, dirty = alternate(samplers, plan["pairs"],
                              functools.partial(report.progress, title))
    if dirty:
        report.note(f"{title}: {len(dirty)} rounds were not clean; the last: {dirty[-1]}")
    for name in KINDS if rounds else ():
        report.cost(title, [turn[name][0] for turn in rounds])
        if name == PLAIN:
            continue
        ratio = ratio_of_pairs([(turn[name][0].cost, turn[PLAIN][0].cost) for turn in rounds])
        report.note(f"{name} / {PLAIN}: {ratio.median:.2f} [{ratio.low:.2f}, {ratio.high:.2f}]")
