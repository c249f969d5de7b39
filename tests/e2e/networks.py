"""Networks that only the test is in. They have no name, so they are gone with its processes,
however it ends.
"""

import ctypes
import fcntl
import heapq
import os
import random
import select
import shutil
import socket
import struct
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path

from rig import LIBC, Failure, need, skip, wait_for

CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454ca, 0x0001, 0x1000


def command(*words):
    """Runs a program of the system; a failure is one of the test's."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(f"{' '.join(map(str, words))}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def own_network():
    """From here on this process and what it starts have a network that nobody else is in."""
    if os.geteuid() != 0:
        skip("not root: a network namespace needs it")
    if LIBC.unshare(CLONE_NEWNET) != 0:
        skip(f"no network namespace is to be had: {os.strerror(ctypes.get_errno())}")
    command(need("ip", "iproute2"), "link", "set", "lo", "up")


class FarSide:
    """Another namespace, with the interface of the Rig that starts programs in it."""

    def __init__(self, rig):
        self.rig, self.folder = rig, rig.folder
        self.holder = rig.start("namespace", [need("unshare", "util-linux"), "--net",
                                              shutil.which("sleep"), "3600"])
        ours = os.readlink("/proc/self/ns/net")
        self.path = f"/proc/{self.holder.pid}/ns/net"
        wait_for("the second namespace", lambda: os.readlink(self.path) != ours, alive=self.holder)
        self.enter = [need("nsenter", "util-linux"), f"--net={self.path}"]

    def start(self, name, words):
        return self.rig.start(name, [*self.enter, *words])

    def output(self, process):
        return self.rig.output(process)

    def wait(self, process, seconds):
        return self.rig.wait(process, seconds)

    def is_bound(self, ip, port):
        number = int.from_bytes(bytes(map(int, ip.split("."))), "little")
        return f" {number:08X}:{port:04X} " in Path(f"/proc/{self.holder.pid}/net/udp").read_text()

    def run(self, function):
        """The function's value, called by this thread while it is on the far side."""
        with open("/proc/thread-self/ns/net") as here, open(self.path) as there:
            if LIBC.setns(there.fileno(), CLONE_NEWNET) != 0:
                raise Failure(f"setns: {os.strerror(ctypes.get_errno())}")
            try:
                return function()
            finally:
                if LIBC.setns(here.fileno(), CLONE_NEWNET) != 0:
                    os.abort()  # Nothing that follows would be where it should.


def open_tun(name):
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH14x", name.encode(), IFF_TUN | IFF_NO_PI))
    return device


class Fate:
    """What becomes of the datagrams that a BadWire spoils: probabilities, and the longest delay."""

    def __init__(self, seed, loss, copy, delay_s):
        self.random, self.loss, self.copy, self.delay_s = random.Random(seed), loss, copy, delay_s

    def delays(self):
        """After how many seconds it arrives, once for each time that it does."""
        if self.random.random() < self.loss:
            return []
        times = 2 if self.random.random() < self.copy else 1
        return [self.random.uniform(0, self.delay_s) for _ in range(times)]


class BadWire:
    """A wire between two namespaces, IPv4 only: interface rf-sbc here, rf-far on the far side. It
    spoils what comes from there to `spoilt`, a set of (address, port) of UDP, but of each flow only
    the packets whose numbers are in the range `numbers`; all else it carries as it is, at once. A
    kernel may have no netem, so it is made of two TUN devices.
    """

    def __init__(self, far, near_ip, far_ips, fate, numbers):
        self.fate, self.numbers, self.spoilt = fate, numbers, frozenset()
        self.flows = Counter()  # How many packets each has had.
        self.near, self.far = open_tun("rf-sbc"), far.run(lambda: open_tun("rf-far"))
        ip = need("ip", "iproute2")
        for enter, name, addresses in (((), "rf-sbc", [near_ip]), (far.enter, "rf-far", far_ips)):
            for address in addresses:
                command(*enter, ip, "address", "add", f"{address}/24", "dev", name)
            command(*enter, ip, "link", "set", name, "up")
        self.lost = self.copied = 0
        self.waiting = []  # Heap of (when it arrives, its number, the packet).
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self.carry)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.thread.join()
        os.close(self.near)
        os.close(self.far)

    def carry(self):
        count = 0
        while not self.is_over.is_set():
            wait = min(0.1, max(0.0, self.waiting[0][0] - time.monotonic())
                       if self.waiting else 0.1)
            ready, _, _ = select.select([self.near, self.far], [], [], wait)
            now = time.monotonic()
            for device in ready:
                packet = os.read(device, 65536)
                if packet[0] >> 4 != 4:
                    continue  # IPv6 looking for its neighbours.
                if device == self.near:
                    os.write(self.far, packet)
                    continue
                count += 1
                for delay in self.judge(packet):
                    heapq.heappush(self.waiting, (now + delay, count, packet))
            while self.waiting and self.waiting[0][0] <= time.monotonic():
                os.write(self.near, heapq.heappop(self.waiting)[2])

    def judge(self, packet):
        head = (packet[0] & 15) * 4
        port, = struct.unpack_from("!H", packet, head + 2)
        if packet[9] != socket.IPPROTO_UDP or (socket.inet_ntoa(packet[16:20]),
                                               port) not in self.spoilt:
            return [0]
        flow = packet[12:20] + packet[head:head + 4]  # Addresses and ports.
        self.flows[flow] += 1
        if self.flows[flow] not in self.numbers:
            return [0]
        delays = self.fate.delays()
        self.lost += not delays
        self.copied += len(delays) == 2
        return delays
