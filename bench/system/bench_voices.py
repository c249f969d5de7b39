"""How many calls that talk one ringfence-load carries on a core: each sends 50 packets a second of
PCMU, and receives and judges as many. The caller is measured; the callee has the other core."""

import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from bench_process import BenchError, cpu_ns, free_port, is_bound, wait_until

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"
CALLS = (500, 1000, 2000, 3000)
CALLER_IP, CALLEE_IP = "127.0.0.4", "127.0.0.9"
BEGIN_S, TALK_S, COUNTED_S = 4, 10, 3  # All talk from BEGIN_S on, for at least TALK_S - BEGIN_S.
PACKETS_A_SECOND = 50
BUFFER_BYTES = 4_000_000


@dataclass
class End:
    process: object
    json: Path

    def result(self):
        try:
            code = self.process.wait(timeout=BEGIN_S + TALK_S + 10)
        except subprocess.TimeoutExpired:
            raise BenchError(f"ringfence-load does not end: {self.process.output()}") from None
        if not self.json.exists():
            raise BenchError(f"ringfence-load ended with {code}: {self.process.output()}")
        return code, json.loads(self.json.read_text())


def start(rig, binaries, name, core, local, more):
    result = rig.folder / f"{name}-{time.monotonic_ns()}.json"
    scenario = {"caller": "pbx-outbound-talking", "callee": "connector-outbound-talking"}[name]
    process = rig.start(f"voices-{name}-{time.monotonic_ns()}", [
        binaries / "ringfence-load", "-sf", SCENARIOS / f"{scenario}.xml", "-i", local[0],
        "-p", local[1], "-nostdin", "-buff_size", BUFFER_BYTES, "--json", result, *more], core)
    wait_until("ringfence-load listens", lambda: is_bound(*local), process)
    return End(process, result)


def measure(rig, report, binaries, calls):
    """Whether the next larger number is worth a try."""
    callee_at, caller_at = ((ip, free_port(ip)) for ip in (CALLEE_IP, CALLER_IP))
    callee = start(rig, binaries, "callee", rig.driver_core, callee_at,
                   ["-m", calls, "--media_calls", calls])
    caller = start(rig, binaries, "caller", rig.measured_core, caller_at, [
        "-m", calls, "-l", calls, "-r", calls / BEGIN_S, "-d", TALK_S * 1000,
        f"{callee_at[0]}:{callee_at[1]}"])
    time.sleep(BEGIN_S + 1)
    before, since = cpu_ns(caller.process.family()), time.monotonic()
    time.sleep(COUNTED_S)
    spent, elapsed = cpu_ns(caller.process.family()) - before, time.monotonic() - since
    (code, told), _ = caller.result(), callee.result()
    media = told["media"]
    late, received = media["sent"]["late_us"], media["received"]
    limited = told["generator"]["limited"]
    report.note(
        f"{calls} talking calls: {spent / elapsed / 1e9:.0%} of a core, "
        f"{spent / 1e3 / (elapsed * calls * PACKETS_A_SECOND):.1f} us for each packet sent and one "
        f"received; sent late by p99 {late['p99'] / 1e3:.1f} ms, at most "
        f"{late['max'] / 1e3:.1f}; lost {received['lost']} of {received['expected']}; "
        f"{told['calls']['failed']} calls failed, exit {code}"
        + (", generator limited" if limited else ""))
    rig.end(caller.process)
    rig.end(callee.process)
    return code == 0 and not limited


def measure_voices(rig, report, binaries, plan):
    for calls in CALLS if plan["curve"] else CALLS[:1]:
        if not measure(rig, report, binaries, calls):
            break
