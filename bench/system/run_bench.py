#!/usr/bin/env python3
"""The system benchmark: CPU time of a call in ringfence-sbc, in a stub that does no SIP (the floor)
and in Kamailio; of ringfence-load beside SIPp; and of a packet of audio in ringfence-sbc, in a bare
forwarder and in rtpengine.

    run_bench.py FOLDER_OF_PROGRAMS [--quick] [--pairs N] [--only PARTS] [--rates LIST]
                 [--driver sipp] [--json FILE]

What is measured has one core, the generators that drive it another. A ratio is the median of
alternating pairs of a second each, with a bootstrap 95 % interval: met or missed when all of it
lies on one side of the goal, else not decided. A round with a retransmission, a failed call or a
generator that was the limit does not count, and is told. Loopback only.
"""

import argparse
import functools
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True  # Before our own modules: the tree stays clean.

from bench_generators import BUFFER_BYTES, ringfence_load, sipp
from bench_measure import (CALLEE_IP, CALLER_IP, SATURATED, SATURATION, alternate,
                           highest_clean_rate, median_of, sample_generator, sample_subject)
from bench_media import measure_media, report_memory
from bench_sockets import measure_sockets
from bench_voices import measure_voices
from bench_process import BenchError, Rig, free_port
from bench_ratio import PAIRS_FOR_A_VERDICT, median_interval, ratio_of_pairs
from bench_subjects import LATENCY_BUDGET_US, start_floor, start_kamailio, start_sbc

PARTS = ("index", "relay", "generator", "media", "memory", "voices", "sockets")
RATES = (1000, 3000, 10000)
PACKETS = (5_000, 20_000, 50_000)  # A second, of audio.
DISTURBED = 0.1   # Beyond this share of the core, others are said to have been there.
GOAL_FLOOR, GOAL_KAMAILIO, GOAL_SIPP, GOAL_SIPP_RATE, GOAL_INDEX_US = 2.0, 0.35, 0.5, 2.0, 0.4
RECEPTIONS = 2  # Of a call's six, those on the way from the INVITE to its 200: each may wait.


class Report:
    """What is printed while it runs, and the tables and the JSON at the end."""

    def __init__(self, options):
        self.figures, self.costs, self.notes, self.samples = [], [], [], []
        self.options = options
        self.pairs_wanted = PAIRS_FOR_A_VERDICT
        self.live = sys.stdout.isatty()

    def say(self, text):
        print(("\r\033[K" if self.live else "") + text, end="" if self.live else "\n", flush=True)

    def progress(self, what, text):
        if self.live:
            self.say(f"{what}: {text}")

    def note(self, text):
        self.notes.append(text)

    def figure(self, what, ratio, goal, at_most=True, digits=2, pairs_wanted=None, others=0.0):
        """`others`: the share of the core that strangers had; then caches are theirs too, and a
        core that never sleeps hides what waking costs, so the verdict says so."""
        verdict = ratio.verdict(goal, at_most, pairs_wanted or self.pairs_wanted)
        if others > DISTURBED:
            verdict += f", but others had {others:.0%} of the core"
        self.figures.append({
            "figure": what, "ratio": ratio.median, "low": ratio.low, "high": ratio.high,
            "pairs": ratio.pairs, "goal": f"{'<=' if at_most else '>='} {goal}",
            "verdict": verdict})
        self.say(f"{what}: {ratio.median:.{digits}f} [{ratio.low:.{digits}f}, "
                 f"{ratio.high:.{digits}f}]: {verdict}")
        if self.live:
            print()

    def no_figure(self, what, goal, why):
        self.figures.append({"figure": what, "goal": goal, "verdict": why})

    def cost(self, point, samples, role=""):
        first = samples[0]
        name = f"{first.subject} {role}".strip()
        self.samples += [one.json() for one in samples]
        self.costs.append({
            "point": point, "program": name, "rate": first.rate, "samples": len(samples),
            "limited": statistics.mean(one.limited for one in samples),
            **{field: median_of(samples, field) for field in
               ("cost", "core_cost", "own", "others", "stolen", "p50_ms", "p99_ms")}})

    def print(self, machine):
        print("\n\nCPU time, us a call, or a packet where the point says packets (medians); set-up "
              "time from the INVITE to the 200, or a packet's latency, ms")
        print(f"{'point':<28}{'program':<24}{'a second':>9}{'process':>9}{'core':>8}{'own':>6}"
              f"{'others':>7}{'p50':>8}{'p99':>8}{'late':>6}")
        for row in self.costs:
            times = "".join(f"{row[field]:>8.2f}" if row[field] is not None else f"{'-':>8}"
                            for field in ("p50_ms", "p99_ms"))
            print(f"{row['point']:<28}{row['program']:<24}{row['rate']:>9.0f}{row['cost']:>9.1f}"
                  f"{row['core_cost']:>8.1f}{row['own']:>6.0%}{row['others']:>7.0%}{times}"
                  f"{row['limited']:>6.0%}")
        print("own, others: shares of the core. late: samples in which ringfence-load kept the "
              "pace, but was late at times")
        print(f"\n{'figure':<64}{'ratio':>7}{'95 % interval':>18}{'pairs':>7}  {'goal':<9}verdict")
        for row in self.figures:
            if "ratio" in row:
                interval = f"[{row['low']:.3f}, {row['high']:.3f}]"
                print(f"{row['figure']:<64}{row['ratio']:>7.3f}{interval:>18}{row['pairs']:>7}  "
                      f"{row['goal']:<9}{row['verdict']}")
            else:
                print(f"{row['figure']:<64}{'-':>7}{'':>18}{'':>7}  {row['goal']:<9}"
                      f"{row['verdict']}")
        print()
        for text in self.notes:
            print(f"- {text}")
        for key, value in machine.items():
            print(f"{key}: {value}")

    def json(self, machine):
        return {"machine": machine, "figures": self.figures, "costs": self.costs,
                "notes": self.notes, "samples": self.samples}


# ---- index ---------------------------------------------------------------------------------------

def measure_index(rig, report, binaries):
    what = "INVITE with SDP indexed, us"
    program = binaries / "bench_sip_message"
    if not program.exists():
        return report.no_figure(what, f"<= {GOAL_INDEX_US}", "not measured: bench_sip_message is "
                                "not built")
    done = subprocess.run(
        [program, "--benchmark_filter=^BM_IndexInvite$", "--benchmark_format=json",
         f"--benchmark_repetitions={PAIRS_FOR_A_VERDICT}", "--benchmark_min_time=0.1"],
        cwd=Path(__file__).resolve().parents[2], capture_output=True, text=True, check=False,
        preexec_fn=lambda: os.sched_setaffinity(0, {rig.measured_core}), timeout=120)
    if done.returncode != 0:
        raise BenchError(f"bench_sip_message: {done.stderr.strip()[-300:]}")
    times = [one["cpu_time"] / 1e3 for one in json.loads(done.stdout)["benchmarks"]
             if one["run_type"] == "iteration"]
    return report.figure(what, median_interval(times), GOAL_INDEX_US, digits=3,
                         pairs_wanted=PAIRS_FOR_A_VERDICT)


# ---- the floor, the SBC and Kamailio -------------------------------------------------------------

class Relay:
    """The three programs between the same two generators."""

    def __init__(self, rig, report, generator, binaries, seconds):
        self.rig, self.report, self.generator, self.seconds = rig, report, generator, seconds
        self.addresses = ((CALLER_IP, free_port(CALLER_IP)), (CALLEE_IP, free_port(CALLEE_IP)))
        starts = {"floor": start_floor, "ringfence-sbc": start_sbc, "kamailio": start_kamailio}
        self.subjects = {name: start(rig, binaries, *self.addresses)
                         for name, start in starts.items()}
        if self.subjects["kamailio"] is None:
            del self.subjects["kamailio"]
            report.note("Kamailio is not installed: not compared")
        time.sleep(0.5)  # Kamailio's children.
        for subject in self.subjects.values():
            subject.pids = subject.process.family()
        self.highest, self.saturated = {}, {}

    def sample(self, name, rate):
        return [sample_subject(self.rig, self.generator, self.subjects[name], self.addresses, rate,
                               self.seconds)]

    def find_highest(self, step):
        for name in self.subjects:
            rate, samples = highest_clean_rate(functools.partial(self.sample, name), 3000, step)
            self.highest[name] = rate
            own = samples[0].own
            self.saturated[name] = own > SATURATED
            limit = "its own limit" if own > SATURATED else "not its limit: the drivers' or the " \
                "machine's"
            self.report.note(f"{name}: clean up to {rate} calls/s, where it has {own:.0%} of its "
                             f"core ({limit})")
            self.report.say(self.report.notes[-1])

    def point(self, title, rate, pairs):
        """All that are clean at that rate, in one series of rounds."""
        names = [name for name in self.subjects if rate <= self.highest[name]]
        if "ringfence-sbc" not in names:
            self.report.no_figure(f"ringfence-sbc / floor, {title}", f"<= {GOAL_FLOOR}",
                                  "not clean at this rate")
            return
        samplers = {name: functools.partial(self.sample, name, rate) for name in names}
        rounds, dirty = alternate(samplers, pairs,
                                  functools.partial(self.report.progress, title))
        if dirty:
            self.report.note(f"{title}: {len(dirty)} rounds were not clean and do not count; the "
                             f"last: {dirty[-1]}")
        if not rounds:
            self.report.no_figure(f"ringfence-sbc / floor, {title}", f"<= {GOAL_FLOOR}",
                                  "no clean round")
            return
        for name in names:
            self.report.cost(title, [turn[name][0] for turn in rounds])
        for other, goal in (("floor", GOAL_FLOOR), ("kamailio", GOAL_KAMAILIO)):
            if other in names:
                self.compare(other, goal, title, rounds)
            elif other in self.subjects:
                self.report.no_figure(f"ringfence-sbc / {other}, {title}", f"<= {goal}",
                                      f"{other} is clean only up to {self.highest[other]}")

    def compare(self, other, goal, title, rounds):
        """The process's ratio, and the core's where it was not shared with strangers."""
        ours, theirs = ([turn[name][0] for turn in rounds] for name in ("ringfence-sbc", other))
        others = max(median_of(ours, "others"), median_of(theirs, "others"))
        for field, of in (("cost", "process"), ("core_cost", "core")):
            what = f"ringfence-sbc / {other}, {of}, {title}"
            if of == "core" and others > DISTURBED:
                self.report.no_figure(what, f"<= {goal}",
                                      f"not decided (others had {others:.0%} of the core)")
                continue
            self.report.figure(what, ratio_of_pairs([
                (getattr(one, field), max(getattr(two, field), 0.01))
                for one, two in zip(ours, theirs)]), goal, others=others)

    def limit_point(self, name, pairs):
        """Near the highest clean rate of a program, which is its saturation if it had the core."""
        title = f"saturation of {name}"
        if not self.saturated[name]:
            goal = GOAL_FLOOR if name == "ringfence-sbc" else GOAL_KAMAILIO
            other = "floor" if name == "ringfence-sbc" else name
            self.report.no_figure(f"ringfence-sbc / {other}, {title}", f"<= {goal}",
                                  "not decided: the drivers or the machine were the limit before")
            title = f"highest rate of {name}"
        self.point(title, round(SATURATION * self.highest[name]), pairs)


def measure_relay(rig, report, generator, binaries, plan):
    relay = Relay(rig, report, generator, binaries, plan["seconds"])
    relay.find_highest(plan["step"])  # First: it also warms the pools up.
    for name in relay.subjects:
        if name != "floor":
            relay.limit_point(name, plan["pairs"])
    for rate in reversed(plan["rates"]):
        relay.point(f"{rate} calls/s", rate, plan["pairs"])
    report.note(f"floor and SBC wait up to {LATENCY_BUDGET_US / 1000:.0f} ms for each reception "
                f"({RECEPTIONS} of 6 are on the way to the 200); Kamailio wakes for each datagram")
    for subject in relay.subjects.values():
        rig.end(subject.process)


# ---- generators ----------------------------------------------------------------------------------

class Generators:
    """ringfence-load and SIPp, each calling itself: caller on one core, callee on the other."""

    def __init__(self, rig, report, generators, seconds):
        self.rig, self.report, self.seconds = rig, report, seconds
        self.generators = {one.name: one for one in generators}
        self.addresses = ((CALLER_IP, free_port(CALLER_IP)), (CALLEE_IP, free_port(CALLEE_IP)))

    def sample(self, name, rate):
        return sample_generator(self.rig, self.generators[name], self.addresses, rate,
                                self.seconds)

    def highest(self, pairs, step):
        """The ratio of highest clean rates; returns SIPp's."""
        found = {name: [] for name in self.generators}
        for _ in range(pairs):
            for name, rates in found.items():
                start = 0.8 * rates[-1] if rates else 8000
                rate, samples = highest_clean_rate(functools.partial(self.sample, name), start,
                                                   step)
                rates.append(rate)
                self.report.say(f"{name}: clean up to {rate} calls/s, where its caller has "
                                f"{samples[0].own:.0%} of a core")
        for name, rates in found.items():
            self.report.note(f"{name} against itself: clean up to "
                             f"{round(statistics.median(rates))} calls/s ({rates})")
        ratio = ratio_of_pairs(list(zip(found["ringfence-load"], found["sipp"])))
        self.report.figure("ringfence-load / sipp, highest clean rate", ratio, GOAL_SIPP_RATE,
                           at_most=False, pairs_wanted=5)
        return statistics.median(found["sipp"])

    def point(self, title, rate, pairs):
        samplers = {name: functools.partial(self.sample, name, rate) for name in self.generators}
        rounds, dirty = alternate(samplers, pairs,
                                  functools.partial(self.report.progress, title))
        if dirty:
            self.report.note(f"generators, {title}: {len(dirty)} rounds were not clean and do not "
                             f"count; the last: {dirty[-1]}")
        for index, role in enumerate(("caller", "callee")):
            what = f"ringfence-load / sipp as {role}, {title}"
            if not rounds:
                self.report.no_figure(what, f"<= {GOAL_SIPP}", "no clean round")
                continue
            for name in self.generators:
                self.report.cost(title, [turn[name][index] for turn in rounds], role)
            ours, theirs = ([turn[name][index] for turn in rounds]
                            for name in ("ringfence-load", "sipp"))
            self.report.figure(
                what, ratio_of_pairs([(one.cost, two.cost) for one, two in zip(ours, theirs)]),
                GOAL_SIPP, others=max(median_of(ours, "others"), median_of(theirs, "others")))


def measure_generators(rig, report, generators, plan):
    both = Generators(rig, report, generators, plan["seconds"])
    highest = both.highest(plan["searches"], plan["step"])
    both.point("SIPp's highest rate", round(SATURATION * highest), plan["pairs"])
    for rate in reversed(plan["rates"]):
        if rate <= highest:
            both.point(f"{rate} calls/s", rate, plan["pairs"])


# ---- the run -------------------------------------------------------------------------------------

def machine_facts(rig, options):
    model = next((line.partition(":")[2].strip()
                  for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith(("model name", "CPU part"))), platform.machine())
    git = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True,
                         cwd=Path(__file__).resolve().parent, check=False)
    return {
        "machine": f"{model}, {os.cpu_count()} cores",
        "kernel": platform.release(),
        "cores": f"{rig.measured_core} for what is measured, {rig.driver_core} for what drives it",
        "commit": git.stdout.strip() or "unknown",
        "command": " ".join(sys.argv),
        "load": f"{os.getloadavg()[0]:.1f} at the start",
        "pairs": options.pairs,
    }


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binaries", type=Path, help="build/release/bin")
    parser.add_argument("--quick", action="store_true", help="a look in two minutes: no verdicts")
    parser.add_argument("--pairs", type=int, help="alternating pairs of each point (30)")
    parser.add_argument("--only", help=f"of {','.join(PARTS)}")
    parser.add_argument("--rates", help="calls a second, beside saturation (1000,3000,10000)")
    parser.add_argument("--driver", choices=("ringfence-load", "sipp"), default="ringfence-load")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    options.binaries = options.binaries.resolve()
    options.parts = options.only.split(",") if options.only else list(PARTS)
    if not set(options.parts) <= set(PARTS):
        parser.error(f"--only: wanted some of {','.join(PARTS)}")
    options.pairs = options.pairs or (3 if options.quick else PAIRS_FOR_A_VERDICT)
    return options


def plan_of(options):
    rates = [int(rate) for rate in options.rates.split(",")] if options.rates else \
        [3000] if options.quick else list(RATES)
    return {"pairs": options.pairs, "rates": rates, "seconds": 1.0,
            "step": 0.35 if options.quick else 0.06, "searches": 1 if options.quick else 5,
            "packets": [20_000] if options.quick else list(PACKETS), "curve": not options.quick,
            "budget_us": LATENCY_BUDGET_US}


def check_machine(report):
    largest = min(int(Path(f"/proc/sys/net/core/{name}").read_text())
                  for name in ("rmem_max", "wmem_max"))
    if largest < BUFFER_BYTES:
        report.note(f"net.core.rmem_max or wmem_max is {largest}: less than the {BUFFER_BYTES} "
                    "that every program here asks for. A stall of the machine then loses calls "
                    "that no program lost; best: sysctl -w net.core.rmem_max=4194304 "
                    "net.core.wmem_max=4194304")


def measure(rig, report, options):
    plan = plan_of(options)
    ours, theirs = ringfence_load(options.binaries), sipp()
    driver = ours if options.driver == "ringfence-load" else theirs
    if driver is None:
        raise BenchError(f"{options.driver} is missing")
    check_machine(report)
    if "index" in options.parts:
        measure_index(rig, report, options.binaries)
    if "relay" in options.parts:
        measure_relay(rig, report, driver, options.binaries, plan)
    if "memory" in options.parts:
        report_memory(rig, report, options.binaries)
    if "media" in options.parts:
        measure_media(rig, report, options.binaries, plan)
    if "voices" in options.parts:
        measure_voices(rig, report, options.binaries, plan)
    if "sockets" in options.parts:
        measure_sockets(rig, report, options.binaries, plan)
    if "generator" in options.parts:
        if ours is None or theirs is None:
            report.note("ringfence-load or SIPp is missing: generators not compared")
        else:
            waiting = ringfence_load(options.binaries, "--latency_budget", LATENCY_BUDGET_US)
            report.note(f"ringfence-load beside SIPp waits up to {LATENCY_BUDGET_US / 1000:.0f} ms "
                        "for datagrams to gather, as the goals say; SIPp wakes for each")
            measure_generators(rig, report, (waiting, theirs), plan)


def main():
    options = parse_options()
    report = Report(options)
    failed = None
    with Rig() as rig:
        machine = machine_facts(rig, options)
        try:
            measure(rig, report, options)
        except BenchError as error:
            failed = error
    report.print(machine)
    if options.json:
        options.json.write_text(json.dumps(report.json(machine), indent=1))
    if failed:
        print(f"bench: {failed}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    if shutil.which("python3") is None or sys.version_info < (3, 10):
        sys.exit("bench: needs Python 3.10 or newer")
    sys.exit(main())
