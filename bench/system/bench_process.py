"""Processes pinned to a core, what CPU time they and their core took, and their certain end."""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1
PRIORITY = -15  # Where it is permitted: whoever else is on the machine comes later, for all alike.


class BenchError(Exception):
    """Why there is nothing to measure, in words for the reader of the output."""


def free_port(ip, kind=socket.SOCK_DGRAM):
    """A port that nobody has at that address, and that this function has not given out before."""
    while True:
        with socket.socket(socket.AF_INET, kind) as bound:
            bound.bind((ip, 0))
            port = bound.getsockname()[1]
        if (ip, port) not in free_port.given:
            free_port.given.add((ip, port))
            return port


free_port.given = set()


def is_bound(ip, port):
    """Whether a UDP socket has that address, as the kernel tells."""
    number = int.from_bytes(socket.inet_aton(ip), sys.byteorder)
    return f" {number:08X}:{port:04X} " in Path("/proc/net/udp").read_text()


def wait_until(what, condition, process, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        if process.poll() is not None:
            raise BenchError(f"{what}: it ended with {process.returncode}: {process.output()}")
        if time.monotonic() > deadline:
            raise BenchError(f"{what}: not within {seconds} s: {process.output()}")
        time.sleep(0.005)


@dataclass
class CoreTime:
    """Of one core, since boot: ns at work (not idle, not stolen by the hypervisor), ns stolen."""
    busy: int
    stolen: int

    @staticmethod
    def read(core):
        for line in Path("/proc/stat").read_text().splitlines():
            words = line.split()
            if words[0] == f"cpu{core}":
                user, nice, system, _idle, _wait, irq, softirq, steal = map(int, words[1:9])
                return CoreTime((user + nice + system + irq + softirq) * TICK_NS, steal * TICK_NS)
        raise BenchError(f"/proc/stat has no cpu{core}")


class Process(subprocess.Popen):
    """A program on one core, in a session of its own; it dies with us."""

    def __init__(self, command, core, folder, name):
        self.log = folder / f"{name}.out"

        def prepare():
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            os.sched_setaffinity(0, {core})
            try:
                os.setpriority(os.PRIO_PROCESS, 0, PRIORITY)
            except PermissionError:
                pass

        with open(self.log, "wb") as out:
            super().__init__([str(word) for word in command], cwd=folder, stdin=subprocess.DEVNULL,
                             stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
                             preexec_fn=prepare, env=dict(os.environ, TERM="xterm"))

    def output(self):
        return self.log.read_text(errors="replace")[-600:]

    def family(self):
        """Its processes: all of its session."""
        pids = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    fields = (entry / "stat").read_text().rpartition(")")[2].split()
                except OSError:
                    continue
                if int(fields[3]) == self.pid:
                    pids.append(int(entry.name))
        return pids

    def end(self):
        """Asks, then insists; the whole session."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.poll() is None:
                self._signal(number)
                try:
                    self.wait(timeout=3)
                except subprocess.TimeoutExpired:
                    pass
        self._signal(signal.SIGKILL)  # Children that outlived it.

    def _signal(self, number):
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            pass


def cpu_ns(pids):
    """CPU time of whole processes, user and system, exact: the processes' CPU clocks (which are
    what clock_getcpuclockid(3) names), with threads that have ended.
    """
    return sum(time.clock_gettime_ns((~pid << 3) | 2) for pid in pids)


class Rig:
    """All processes of a run and a folder for them. At the end both are gone, whatever happened."""

    def __init__(self):
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) < 2:
            raise BenchError("needs 2 cores: one for what is measured, one for what drives it")
        self.driver_core, self.measured_core = cores[:2]
        self.folder = Path(tempfile.mkdtemp(prefix="ringfence-bench-"))
        self.processes = []

    def __enter__(self):
        # SIGTERM as Ctrl-C: through __exit__, so that nothing is left running.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
        os.sched_setaffinity(0, {self.driver_core})
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, name, command, core):
        process = Process(command, core, self.folder, name)
        self.processes.append(process)
        return process

    def end(self, process):
        process.end()
        self.processes.remove(process)
