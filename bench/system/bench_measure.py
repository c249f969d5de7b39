"""What is measured: samples of a second, rounds of them, and the highest clean rate."""

import statistics
import time
from dataclasses import asdict, dataclass

from bench_generators import start_pair
from bench_process import BenchError, CoreTime, cpu_ns

CALLER_IP = "127.0.0.11"
CALLEE_IP = "127.0.0.12"
RATE_MAX = 80_000
SETTLE_S = 0.25   # From a generator's start to where its cost is taken.
SATURATED = 0.8   # Share of its core that a program has where it is the limit itself.
SATURATION = 0.9  # Of the highest clean rate: beyond, one round in two would not count.
GIVE_UP = 2       # A point ends after so many rounds for each that was wanted.


@dataclass
class Sample:
    """One run of a second. Costs are us a call; `why` is empty when it was clean."""
    subject: str
    rate: float
    cost: float       # Of the process and all its threads.
    core_cost: float  # Of its core: with the kernel's own threads, and whoever else was there.
    own: float        # Share of the core that the process had.
    others: float     # Share of the core that others had.
    stolen: float
    why: str
    p50_ms: float | None = None
    p99_ms: float | None = None
    limited: float = 0.0  # 1 where ringfence-load says that it was late at times.
    role: str = ""

    def json(self):
        return asdict(self)


class CostMeter:
    """CPU time of some processes and of their core between its making and take()."""

    def __init__(self, pids, core):
        self.pids, self.core = pids, core
        self.began, self.own = time.monotonic_ns(), cpu_ns(pids)
        self.core_time = CoreTime.read(core)

    def take(self, subject, rate, calls):
        """`calls` None: as many as the rate gives in the time."""
        own, core_time = cpu_ns(self.pids) - self.own, CoreTime.read(self.core)
        passed = time.monotonic_ns() - self.began
        calls = calls or rate * passed / 1e9
        busy = core_time.busy - self.core_time.busy
        return Sample(subject, rate, cost=own / 1e3 / calls, core_cost=busy / 1e3 / calls,
                      own=own / passed, others=max(0.0, (busy - own) / passed),
                      stolen=(core_time.stolen - self.core_time.stolen) / passed, why="")


def judge(sample, caller, callee):
    """Adds what the generators say of the sample."""
    sample.why = "; ".join(why for why in (caller.why, callee.why) if why)
    sample.limited = float(caller.limited)
    sample.p50_ms, sample.p99_ms = caller.p50_ms, caller.p99_ms


def sample_subject(rig, generator, subject, addresses, rate, seconds):
    """The program between: idle before, idle after, so its cost is exact for the calls."""
    cores = (rig.driver_core, rig.driver_core)
    meter = CostMeter(subject.pids, rig.measured_core)
    caller, callee = start_pair(rig, (generator, generator), cores,
                                (*addresses, subject.target), rate, seconds)
    outcomes = caller.finish(), callee.finish()
    sample = meter.take(subject.name, rate, max(1, outcomes[0].calls))
    judge(sample, *outcomes)
    if subject.process.poll() is not None:
        raise BenchError(f"{subject.name} died: {subject.process.output()}")
    return sample


def sample_generator(rig, generator, addresses, rate, seconds):
    """(caller's, callee's) sample of a generator that calls itself, each alone on its core.

    The cost is taken in a window of `seconds` inside the run: what starting costs is not a call's.
    """
    cores = (rig.measured_core, rig.driver_core)
    caller, callee = start_pair(rig, (generator, generator), cores, (*addresses, addresses[1]),
                                rate, seconds + 2 * SETTLE_S)
    time.sleep(SETTLE_S)
    samples = []
    try:
        meters = [CostMeter([run.process.pid], core) for run, core in zip((caller, callee), cores)]
        time.sleep(seconds)
        samples = [meter.take(generator.name, rate, None) for meter in meters]
    except ProcessLookupError:
        pass  # It ended early: finish() knows why.
    except OSError:
        pass
    outcomes = caller.finish(), callee.finish()
    for sample, role in zip(samples, ("caller", "callee")):
        judge(sample, *outcomes)
        sample.role = role
    return samples


def clean_at(sample, rate, attempts=3):
    """(the samples of a clean second at that rate or None, why not); a stall of the machine gets
    another chance.
    """
    why = "no sample"
    for _ in range(attempts):
        taken = sample(rate)
        why = "; ".join(one.why for one in taken if one.why) if taken else why
        if taken and not why:
            return taken, why
    return None, why


def highest_clean_rate(sample, start, step, most=RATE_MAX):
    """(rate, the samples at it): doubles while clean, then halves the gap down to `step`.

    `sample(rate)` returns a list of samples. Bounded by `most`.
    """
    low, low_samples, high = 0, None, None
    rate = start
    while True:
        taken, why = clean_at(sample, round(rate))
        if taken:
            low, low_samples = rate, taken
            if high is None and rate >= most:
                break
        else:
            high = rate
        if high is None:
            rate = min(rate * 1.6, most)
        elif low == 0:
            rate = high / 2
            if rate < 100:
                raise BenchError(f"not clean at {high:.0f} calls a second: {why}")
        elif high / low <= 1 + step:
            break
        else:
            rate = (low * high) ** 0.5
    return round(low), low_samples


def alternate(samplers, rounds, say):
    """Rounds in which every sampler has its turn, in another order each time. A round counts when
    all of it is clean; returns (clean rounds, reasons of the others). Ends early after
    GIVE_UP * rounds.
    """
    names = list(samplers)
    clean, dirty = [], []
    for index in range(GIVE_UP * rounds + 1):
        turn = {name: samplers[name]() for name in names[index % len(names):]
                + names[:index % len(names)]}
        whys = [f"{name}: {one.why}" for name, taken in turn.items() for one in taken if one.why]
        whys += [f"{name}: no sample" for name, taken in turn.items() if not taken]
        if index == 0:
            continue  # Caches and pools warm up.
        if whys:
            dirty.append("; ".join(whys))
        else:
            clean.append(turn)
        say(f"{len(clean)}/{rounds}" + (f", {len(dirty)} not clean" if dirty else ""))
        if len(clean) >= rounds or (len(dirty) >= max(3, rounds // 2) and not clean):
            break
    return clean, dirty


def median_of(samples, field):
    values = [getattr(one, field) for one in samples if getattr(one, field) is not None]
    return statistics.median(values) if values else None
