"""Memory of ringfence-sbc's own for a call that stands, and for one that has just been set up; and
the kernel's for a socket."""

import re
import sys
import time
from collections import namedtuple
from pathlib import Path

from bench_generators import CALLED
from bench_media_calls import FAR_IP, NEAR_IP, Call, SipEnds
from bench_process import free_port
from bench_subjects import LATENCY_BUDGET_US, start_sbc

WARM, COUNTED = 100, 600  # Calls: what the first ones touch is not theirs alone.
T1_MS = 100
LINGER_S = 64 * T1_MS / 1000 + 1  # Timers L and M (RFC 6026), and the turn that ends them.
# Pages are small in this run: 2 MB at a time would say nothing of a few hundred calls.
SMALL_PAGES = (sys.executable, "-c",
               "import ctypes, os, sys; PR_SET_THP_DISABLE = 41; "
               "ctypes.CDLL(None).prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0); "
               "os.execv(sys.argv[1], sys.argv[1:])")


def own_kb(pids):
    return sum(int(re.search(r"^Private_Dirty: *(\d+) kB",
                             Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M).group(1))
               for pid in pids)


def slabs():
    """Of the kernel's objects, how many there are and their size in bytes."""
    rows = (line.split() for line in Path("/proc/slabinfo").read_text().splitlines()[2:])
    return {row[0]: (int(row[1]), int(row[3])) for row in rows}


# What a UDP socket has in the kernel while nothing is queued: itself, its inode, its open file.
SOCKET_SLABS = ("UDP", "sock_inode_cache", "filp")

Memory = namedtuple("Memory", ("standing_kb", "with_set_up_kb", "socket_kb"))


def measure_memory(rig, binaries, media_ports):
    """What a call that stands has; one with all that its set-up leaves for 64 T1; and a socket.

    The second lot of calls finds the room that the first one's transactions have given back, so
    what it adds is what a call keeps for as long as it lasts.
    """
    near, far = ((ip, free_port(ip)) for ip in (NEAR_IP, FAR_IP))
    before_start = slabs()
    subject = start_sbc(rig, binaries, near, far, LATENCY_BUDGET_US, media_ports,
                        more={"sip": {"t1": f"{T1_MS}ms"}}, before=SMALL_PAGES)
    started = slabs()
    opened = {name: started[name][0] - before_start[name][0] for name in SOCKET_SLABS}
    socket_kb = sum(opened[name] * started[name][1] for name in SOCKET_SLABS) / opened["UDP"] / 1024
    ends = SipEnds(near, far, subject.target, CALLED)
    calls = [Call(index) for index in range(WARM + 2 * COUNTED)]
    ends.set_up(calls[:WARM])
    time.sleep(LINGER_S)
    readings = [own_kb(subject.pids)]
    for first in (WARM, WARM + COUNTED):
        ends.set_up(calls[first:first + COUNTED])
        readings.append(own_kb(subject.pids))
        time.sleep(LINGER_S)
    ends.close()
    rig.end(subject.process)
    with_set_up, standing = ((after - before) / COUNTED
                            for before, after in zip(readings, readings[1:]))
    return Memory(standing, with_set_up, socket_kb)
