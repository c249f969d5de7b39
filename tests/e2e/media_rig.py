"""What the tests of media by other people's stacks share: a capture that tshark reads,
somebody who sprays, and the SBC's own words about a call's media.
"""

import re
import signal
import socket
import struct
import subprocess
import threading
from collections import defaultdict

from rig import CUSTOMER, TRUNK, Failure, free_block, need, wait_for

MARK = b"ringfence-e2e-mark-"  # In a datagram of ours that a capture must have seen.


def media(customer_ports, trunk_ports, customer=CUSTOMER, trunk=TRUNK, shared=False):
    """The key `media` of a configuration; ports as "first-last"."""
    return [{"side": "customer", "address": customer, "ports": customer_ports},
            {"side": "trunk", "address": trunk, "ports": trunk_ports, "shared": shared}]


def ports_of(block):
    first, last = map(int, block["ports"].split("-"))
    return [(block["address"], port) for port in range(first, last + 1)]


def media_words(call, leg):
    """A leg's words in a line of calls.log, with numbers where they are numbers."""
    words = dict(word.split("=") for word in call[f"{leg}_media"].split())
    return {key: float(value) if re.fullmatch(r"-?[\d.]+", value) else value
            for key, value in words.items()}


class Capture:
    """What crosses an interface, from the constructor to stop(); dumpcap writes it down.

    `ip`: an address of this namespace, which the interface carries datagrams from or to.
    """

    def __init__(self, rig, interface, ip, towards=None):
        self.rig = rig
        self.path = rig.folder / f"{interface}.pcapng"
        self.ip, self.towards, self.marks = ip, towards or (ip, 9), 0
        self.process = rig.start(f"dumpcap-{interface}", [
            need("dumpcap", "tshark"), "-q", "-i", interface, "-f", "udp", "-w", self.path])
        self.mark()

    def mark(self):
        """Returns when the capture holds a datagram that was sent after the call."""
        self.marks += 1
        wanted = MARK + str(self.marks).encode() + b"."
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            def is_there():
                sender.sendto(wanted, self.towards)
                return self.path.exists() and wanted in self.path.read_bytes()
            sender.bind((self.ip, 0))
            wait_for(f"{self.process.name} captures", is_there, alive=self.process)

    def stop(self):
        self.mark()
        self.process.send_signal(signal.SIGINT)
        if self.rig.wait(self.process, 10) != 0:
            raise Failure(f"dumpcap:\n{self.rig.output(self.process)}")
        lost = re.search(r"received/dropped on interface .*: \d+/(\d+)",
                         self.rig.output(self.process))
        if lost is None or lost.group(1) != "0":
            raise Failure(f"the capture is not whole:\n{self.rig.output(self.process)}")

    def tshark(self, *words, decode=()):
        """The lines that tshark prints. `decode`: ports, and the protocol they have."""
        more = [word for ports, protocol in decode
                for word in ("-d", f"udp.port=={ports},{protocol}")]
        done = subprocess.run([need("tshark", "tshark"), "-n", "-r", str(self.path), *more, *words],
                              capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0:
            raise Failure(f"tshark: {done.stderr[-1000:]}")
        return done.stdout.splitlines()

    def datagrams(self):
        """(source, its port, destination, its port) -> payloads, in their order."""
        flows = defaultdict(list)
        fields = ("ip.src", "udp.srcport", "ip.dst", "udp.dstport", "udp.payload")
        for line in self.tshark("-T", "fields", *(word for name in fields for word in ("-e", name)),
                                "-Y", "udp && !icmp"):
            source, source_port, destination, destination_port, payload = line.split("\t")
            flow = (source, int(source_port), destination, int(destination_port))
            flows[flow].append(bytes.fromhex(payload))
        return flows


class Sprayer:
    """Sends audio that is nobody's to every port of the SBC's media, until it is stopped.

    `sources`: the addresses from which it does. It listens too: nothing may come back.
    """

    PAYLOAD = b"sprayed by a third host " * 6 + b"sprayed by a thi"

    def __init__(self, blocks, sources, payload_types=(0,)):
        self.targets = [target for block in blocks for target in ports_of(block)]
        self.sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in sources]
        for sprayer, source in zip(self.sockets, sources):
            # Not a port that the kernel gives out: SIPp may talk from one that it has not bound.
            sprayer.bind((source, int(free_block(source, 2).split("-")[0])))
            sprayer.setblocking(False)
        self.names = {sprayer.getsockname() for sprayer in self.sockets}
        self.payload_types = payload_types
        self.sent = self.heard = 0
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self.spray)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.thread.join()
        for sprayer in self.sockets:
            sprayer.close()

    def spray(self):
        sequence = 0
        while not self.is_over.wait(0.4):
            sequence += 1
            for sprayer in self.sockets:
                for payload_type in self.payload_types:
                    packet = struct.pack("!BBHII", 0x80, payload_type, sequence & 0xffff,
                                         sequence * 160, 0x5b5a5b5a) + self.PAYLOAD
                    for target in self.targets:
                        try:
                            sprayer.sendto(packet, target)
                            self.sent += 1
                        except OSError:
                            pass  # What an ICMP said of the one before.
                try:
                    sprayer.recv(2048)
                    self.heard += 1
                except OSError:
                    pass

    def without(self, flows):
        return {flow: payloads for flow, payloads in flows.items() if flow[:2] not in self.names}

    def check(self, flows, ours):
        """Nobody was sent what was sprayed, nor was the sprayer sent anything."""
        if self.sent == 0:
            raise Failure("nothing was sprayed")
        leaked = {flow: count for flow, payloads in flows.items() if flow[0] in ours
                  and (count := sum(self.PAYLOAD in payload for payload in payloads))}
        if leaked:
            raise Failure(f"audio that {self.names} sprayed was relayed: {leaked}")
        if self.heard or any(flow[2:] in self.names for flow in flows if flow[0] in ours):
            raise Failure(f"the sprayer was sent {self.heard} datagrams")


def rtp_flows(flows, block, theirs):
    """RTP (the even ports) between a block of the SBC's ports and the other address: what came to
    the SBC, and what it sent.
    """
    ports = {port for port in ports_of(block) if port[1] % 2 == 0}
    came = {flow: payloads for flow, payloads in flows.items()
            if flow[0] == theirs and flow[2:] in ports}
    went = {flow: payloads for flow, payloads in flows.items()
            if flow[2] == theirs and flow[:2] in ports}
    return came, went
