"""The relays of media beside each other: forwarders, ringfence-sbc and rtpengine.

All relay the same calls' audio (172 bytes of RTP, evenly paced) between the same ends on one core;
one driver on the other core sends, takes and times it without ever sleeping.

Of the forwarder there are two. The bare one does the least that io_uring needs. The other asks the
kernel when each datagram came, which the relay needs for the jitter: it receives the same, so what
the relay costs beyond it is the relay's own.
"""

import functools
import json
import os
import re
import shutil
import signal
import socket
import time
from pathlib import Path

from bench_generators import CALLED
from bench_measure import (SATURATED, SATURATION, CostMeter, alternate, highest_clean_rate,
                           median_of)
from bench_media_calls import (FAR_IP, NEAR_IP, Call, RtpengineControl, SipEnds, ends_text,
                               routes_text)
from bench_memory import measure_memory
from bench_process import BenchError, free_port, wait_until
from bench_ratio import PAIRS_FOR_A_VERDICT, median_interval, ratio_of_pairs
from bench_subjects import CALLEE_SIDE, CALLER_SIDE, POLL, Subject, start_sbc

GOAL_FORWARDER, GOAL_RTPENGINE, GOAL_CALL_KB = 1.25, 0.45, 6.0
GOAL_ADDED_US = 200           # p99 beyond the forwarder's own, and beyond what both may wait.
GOAL_AT = 20_000              # Packets a second, for the goal beside rtpengine.
PACE = 50                     # Packets a second of each end: 20 ms.
BUDGETS_US = (0, 250, 500, 1000, 2000, 5000)
CALLS_MAX = 1000
MEDIA_PORTS = "20000-24999"  # Below those that free_port() draws from.
BARE, TIMED = "bare forwarder", "forwarder with receive times"
# Of each forwarder, by the relay's: and how it is started.
STUBS = {BARE: ({CALLER_SIDE: "127.0.0.6", CALLEE_SIDE: "127.0.0.7"}, ()),
         TIMED: ({CALLER_SIDE: "127.0.0.9", CALLEE_SIDE: "127.0.0.10"}, ("receive_times",))}
STUB_SIDES = STUBS[BARE][0]
GOALS = {BARE: GOAL_FORWARDER, TIMED: GOAL_FORWARDER, "rtpengine": GOAL_RTPENGINE}
RTPENGINE_IP = "127.0.0.8"
LOST_MAX = 0.0005             # Of a clean sample: the machine stalls now and then.
PACKETS_MAX = 400_000         # A second: beyond what loopback carries on one core.
LATE_US = 2000                # A driver whose p99 is later than this was the limit.


def calls_for(rate):
    """As many as make that rate at 50 packets a second of each end, of 50 to 1000."""
    return min(CALLS_MAX, max(50, rate // (2 * PACE)))


class Relay:
    """One that is measured, with calls set up through it."""

    def __init__(self, name, subject, calls, close=lambda: None):
        self.name, self.subject, self.calls, self.close = name, subject, calls, close

    def signal(self, number):
        for pid in self.subject.pids:
            os.kill(pid, number)

    def sample(self, rig, binaries, rate, seconds):
        calls = self.calls[:calls_for(rate)]
        ends = rig.folder / "driver.ends"
        ends.write_text(ends_text(calls))
        meter = CostMeter(self.subject.pids, rig.measured_core)
        driver = rig.start("rtp_driver", [binaries / "rtp_driver", seconds,
                                          rate / (2 * len(calls)), ends], rig.driver_core)
        driver.wait(timeout=seconds + 20)
        rig.end(driver)
        try:
            told = json.loads(driver.output().strip().splitlines()[-1])
        except (ValueError, IndexError) as error:
            raise BenchError(f"rtp_driver: {driver.output()}") from error
        if self.subject.process.poll() is not None:
            raise BenchError(f"{self.name} died: {self.subject.process.output()}")
        if told["misdelivered"] > 0:  # What that costs is no relay's cost.
            raise BenchError(f"{self.name}: {told['misdelivered']} of {told['received']} packets "
                             "came to another call, or back to who sent them")
        sample = meter.take(self.name, rate, max(1, told["received"]))
        lost = 1 - told["received"] / max(1, told["sent"])
        if lost > LOST_MAX:
            sample.why = f"lost {lost:.2%}"
        elif told["lag_us"]["p99"] > LATE_US:
            sample.why = f"the driver was late by {told['lag_us']['p99']:.0f} us"
        sample.p50_ms, sample.p99_ms = (told["latency_us"][name] / 1e3 for name in ("p50", "p99"))
        return [sample]


class Media:
    """The relays at one latency budget, each with so many calls.

    Those should be as many as talk: a call that stands and is silent has RTCP too, and 950 of them
    beside 50 that talk were 8 % of all datagrams.
    """

    def __init__(self, rig, report, binaries, seconds, budget_us, calls, peers=True):
        self.rig, self.report, self.binaries, self.seconds = rig, report, binaries, seconds
        self.budget_us, self.count = budget_us, calls  # POLL: it never sleeps.
        self.relays = {}
        self._start_sbc()
        for name in STUBS if peers else (BARE,):
            self._start_forwarder(name)
        if peers:
            self._start_rtpengine()

    def _start_sbc(self):
        near, far = ((ip, free_port(ip)) for ip in (NEAR_IP, FAR_IP))
        subject = start_sbc(self.rig, self.binaries, near, far, self.budget_us, MEDIA_PORTS)
        ends = SipEnds(near, far, subject.target, CALLED)
        calls = [Call(index) for index in range(self.count)]
        ends.set_up(calls)
        self.relays["ringfence-sbc"] = Relay("ringfence-sbc", subject, calls, ends.close)

    def _start_forwarder(self, name):
        sides, options = STUBS[name]
        calls = [Call(call.index, (sides[call.near_target[0]], call.near_target[1]),
                      (sides[call.far_target[0]], call.far_target[1]))
                 for call in self.relays["ringfence-sbc"].calls]
        routes = self.rig.folder / f"{name}.routes"
        routes.write_text(routes_text(calls, {ip: ip for ip in sides.values()}))
        process = self.rig.start(name, [self.binaries / "forward_stub", self.budget_us, routes,
                                        *options], self.rig.measured_core)
        wait_until("forward_stub is ready", lambda: "ready" in process.output(), process)
        self.relays[name] = Relay(name, Subject(name, process, None), calls)

    def _start_rtpengine(self):
        program = shutil.which("rtpengine", path="/usr/bin:/usr/sbin:/usr/local/bin")
        if program is None:
            self.report.note("rtpengine is not installed: not compared")
            return
        control = ("127.0.0.1", free_port("127.0.0.1"))
        # In user space, one thread as it has one core, no logging, no other feature.
        process = self.rig.start("rtpengine", [
            program, "--config-file=none", "--foreground", "--log-stderr", "--log-level=2",
            f"--interface={RTPENGINE_IP}", f"--listen-ng={control[0]}:{control[1]}", "--table=-1",
            "--num-threads=1", "--port-min=30000", "--port-max=39999",
            "--delete-delay=0", "--timeout=3600"], self.rig.measured_core)
        ng = RtpengineControl(control)
        wait_until("rtpengine answers", lambda: _answers(ng), process)
        calls = [Call(index) for index in range(self.count)]
        ng.set_up(calls)
        self.relays["rtpengine"] = Relay("rtpengine", Subject("rtpengine", process, None), calls,
                                         ng.close)

    def sample(self, name, rate):
        if self.budget_us == POLL:  # Each wants all of the one core that they have.
            for other, relay in self.relays.items():
                relay.signal(signal.SIGCONT if other == name else signal.SIGSTOP)
        return self.relays[name].sample(self.rig, self.binaries, rate, self.seconds)

    def rounds(self, title, rate, pairs):
        samplers = {name: functools.partial(self.sample, name, rate) for name in self.relays}
        rounds, dirty = alternate(samplers, pairs, functools.partial(self.report.progress, title))
        if dirty:
            self.report.note(f"{title}: {len(dirty)} rounds were not clean and do not count; the "
                             f"last: {dirty[-1]}")
        for name in self.relays if rounds else ():
            self.report.cost(title, [turn[name][0] for turn in rounds])
        return rounds

    def compare(self, title, rate, pairs):
        rounds = self.rounds(title, rate, pairs)
        for other, goal in GOALS.items():
            if other not in self.relays:
                continue
            what = f"relay / {other}, CPU a packet, {title}"
            if not rounds:
                self.report.no_figure(what, f"<= {goal}", "no clean round")
                continue
            ours, theirs = ([turn[name][0] for turn in rounds] for name in ("ringfence-sbc", other))
            self.report.figure(
                what, ratio_of_pairs([(one.cost, two.cost) for one, two in zip(ours, theirs)]),
                goal, others=max(median_of(ours, "others"), median_of(theirs, "others")))
        self.note_added(title, rounds)

    def note_added(self, title, rounds):
        """p99 of the relay's latency beyond the forwarder's, which waits as long."""
        if not rounds:
            return
        added = median_interval([
            (turn["ringfence-sbc"][0].p99_ms - turn[BARE][0].p99_ms) * 1e3
            for turn in rounds])
        goal = (0 if self.budget_us == POLL else self.budget_us) + GOAL_ADDED_US
        self.report.note(f"{title}: p99 of added latency beyond the forwarder's: "
                         f"{added.median:.0f} us [{added.low:.0f}, {added.high:.0f}] (goal: under "
                         f"{goal}, the budget and {GOAL_ADDED_US}): "
                         f"{added.verdict(goal, True, PAIRS_FOR_A_VERDICT)}")

    def added(self, title, rate, pairs):
        """Nothing but that, and the end of it."""
        self.note_added(title, self.rounds(title, rate, pairs))
        self.end()

    def saturate(self, step, pairs):
        """Near the highest rate that the relay carries cleanly."""
        name = "ringfence-sbc"
        rate, samples = highest_clean_rate(functools.partial(self.sample, name), GOAL_AT, step,
                                           PACKETS_MAX)
        own = samples[0].own
        limit = "its own limit" if own > SATURATED else "not its limit: the driver's or the " \
            "machine's"
        self.report.note(f"relay: clean up to {rate} packets/s, where it has {own:.0%} of its core "
                         f"({limit})")
        rate = round(SATURATION * rate)
        self.compare(f"saturation, {rate} packets/s", rate, pairs)

    def end(self):
        for relay in self.relays.values():
            relay.signal(signal.SIGCONT)
            relay.close()
            self.rig.end(relay.subject.process)


def _answers(control):
    try:
        control.ask("ping")
        return True
    except (OSError, socket.timeout):
        time.sleep(0.05)
        return False


def report_memory(rig, report, binaries):
    memory = measure_memory(rig, binaries, MEDIA_PORTS)
    report.note(f"memory of our own: {memory.standing_kb:.1f} kB for each anchored call (goal: at "
                f"most {GOAL_CALL_KB:.0f}), {memory.with_set_up_kb:.1f} kB with the transactions "
                f"of its set-up; of the kernel {memory.socket_kb:.1f} kB for each socket: two a "
                "call on the customer's side, and as many that rest as the range has")


def measure_media(rig, report, binaries, plan):
    def start(budget_us, calls, peers=True):
        return Media(rig, report, binaries, plan["seconds"], budget_us, calls, peers)

    for rate in plan["packets"]:
        media = start(plan["budget_us"], calls_for(rate))
        media.compare(f"{rate} packets/s, {calls_for(rate)} calls", rate, plan["pairs"])
        media.end()
    if plan["curve"]:
        media = start(plan["budget_us"], CALLS_MAX)
        media.saturate(plan["step"], plan["pairs"])
        media.end()
    for budget in BUDGETS_US if plan["curve"] else ():
        start(budget, calls_for(GOAL_AT), peers=False).added(
            f"budget {budget} us, {GOAL_AT} packets/s", GOAL_AT, max(3, plan["pairs"] // 3))
    for rate in plan["packets"]:  # The goal of latency.
        start(POLL, calls_for(rate), peers=False).added(f"polling, {rate} packets/s", rate,
                                                        plan["pairs"])
