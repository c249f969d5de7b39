#!/usr/bin/env python3
"""tshark reads what the SBC wrote: every message of every pair of scenarios, a refusal and a probe.

Wireshark's dissectors are the judge of our wire format: each datagram must be SIP to them, none may
be malformed or earn a warning. The bytes are those that SIPp received, as it wrote them down, put
into a capture file; so nothing here needs the right to capture. Skipped (77) where there is no
tshark or no sipp.
"""

import re
import socket
import struct
import subprocess

from pairs import CALLS, make_pairs, play, start_callees
from rig import CUSTOMER, Failure, Rig, Sbc, Sipp, TRUNK, connector, need, run

# What must be among the messages, so that an empty capture is no success.
FIRST_LINES = ["INVITE sip:", "ACK sip:", "BYE sip:", "CANCEL sip:", "OPTIONS sip:",
               *(f"SIP/2.0 {status} " for status in (100, 180, 183, 200, 403, 486, 487, 603))]
TROUBLE = "_ws.malformed || _ws.expert.severity >= warning"


def received(sipp):
    """Each datagram that a SIPp received, from its -trace_msg."""
    text = sipp.messages.read_bytes()
    for head in re.finditer(rb"UDP message received \[(\d+)\] bytes ?:\n\n", text):
        yield text[head.end():head.end() + int(head.group(1))]


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def frame(payload, source, destination):
    """An IPv4 packet with that UDP payload. Without a UDP checksum, which IPv4 allows."""
    udp = struct.pack("!4H", source[1], destination[1], 8 + len(payload), 0) + payload
    addresses = socket.inet_aton(source[0]) + socket.inet_aton(destination[0])
    head = struct.pack("!BBHHHBB", 0x45, 0, 20 + len(udp), 0, 0, 64, socket.IPPROTO_UDP)
    return head + struct.pack("!H", checksum(head + b"\0\0" + addresses)) + addresses + udp


def write_capture(path, frames):
    linktype_raw = 101
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, linktype_raw))
        for number, data in enumerate(frames):
            out.write(struct.pack("<4I", number, 0, len(data), len(data)) + data)


def ask_tshark(path, ports, display_filter):
    """The lines of the frames that the filter shows."""
    command = [need("tshark", "tshark"), "-n", "-r", str(path), "-Y", display_filter]
    for port in ports:
        command += ["-d", f"udp.port=={port},sip"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        raise Failure(f"tshark: {done.stderr[-1000:]}")
    return done.stdout.splitlines()


def collect(rig):
    """Plays everything; every frame that the SBC sent, and its two ports."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probed:
        probed.bind(("127.0.1.200", 0))
        probed.settimeout(10)
        watched = connector(200, ("127.0.2.200", 5060), [probed.getsockname()], ["127.0.1.200"])
        watched["failover"] = {"options_interval": "1s"}
        pairs = make_pairs()
        callees = start_callees(rig, pairs)
        sbc = Sbc(rig, [pair.connector for pair in pairs] + [watched])
        peers = callees + play(rig, sbc, pairs, callees)
        refused = Sipp(rig, "pbx-outbound-reject", "127.0.1.200", CALLS, [
            "-set", "connector", watched["id"], "-set", "called", "+442071838750",
            f"{CUSTOMER}:{sbc.customer_port}"])
        refused.finish()
        probe = probed.recv(65535)
        probe_frame = frame(probe, (CUSTOMER, sbc.customer_port), probed.getsockname())
        sbc.stop()
    frames = [probe_frame]
    for sipp in [refused, *peers]:
        source = ((CUSTOMER, sbc.customer_port) if sipp.ip.startswith("127.0.1.")
                  else (TRUNK, sbc.trunk_port))
        frames += [frame(payload, source, (sipp.ip, sipp.port)) for payload in received(sipp)]
    return frames, (sbc.customer_port, sbc.trunk_port)


def test():
    need("sipp", "sip-tester")
    need("tshark", "tshark")
    with Rig() as rig:
        frames, ports = collect(rig)
        missing = [line for line in FIRST_LINES
                   if not any(data[28:].startswith(line.encode()) for data in frames)]
        if missing:
            raise Failure(f"the SBC sent no {missing}")
        path = rig.folder / "sent.pcap"
        write_capture(path, frames)
        if (read := len(ask_tshark(path, ports, "sip"))) != len(frames):
            raise Failure(f"tshark takes {read} of {len(frames)} messages for SIP")
        if trouble := ask_tshark(path, ports, TROUBLE):
            raise Failure("tshark finds fault with:\n" + "\n".join(trouble[:20]))
        # And it would: one header field without its value, and a body that is cut short.
        spoilt = frames[0].replace(b"CSeq: ", b"CSeq; ", 1)
        write_capture(path, [spoilt])
        if not ask_tshark(path, ports, f"{TROUBLE} || !sip.CSeq"):
            raise Failure("tshark finds no fault with a message that was spoilt")
    print(f"{len(frames)} messages, none of which tshark finds fault with")


if __name__ == "__main__":
    run(test)
