#!/usr/bin/env python3
"""tshark's analysis of a capture against the SBC's records: how much was lost, and the jitter.

    namespace of the SBC                     namespace of the others
    ringfence-sbc, 10.0.0.1  -- bad wire --  ringfence-load as PBX 10.0.0.11, as trunk 10.0.0.12

All audio on its way to the SBC goes over a wire that loses, delays, reorders and repeats. dumpcap
sees what comes out of it, and what the SBC sends on; tshark judges each stream, and knows by the
SIP beside it whose it is. Then calls.log and media.jsonl must say the same, call by call. The
first and the last packets of a stream are spared: for tshark it begins with the first that comes
and ends with the last that comes, whatever their numbers. Skipped (77) where there is no root,
network namespace, TUN device or tshark.
"""

import json
import os
import re
from collections import defaultdict

from media_rig import Capture, media, media_words, ports_of
from networks import BadWire, FarSide, Fate, own_network
from rig import (SCENARIOS, Failure, Rig, Sbc, connector, need, run, sbc_program, skip, wait_for)

SBC, PBX, TRUNK = "10.0.0.1", "10.0.0.11", "10.0.0.12"
PORT = 5060  # The trunk's and the PBX's. The network is ours: no other program has it.
CALLS = 6
TALK_MS = 2400  # And a second; the audio lasts 3 s.
FATE = {"seed": 3550, "loss": 0.04, "copy": 0.02, "delay_s": 0.030}  # A packet is 20 ms.
SPOILT = range(3, 141)  # Of the 150 that each says.
# The SBC's clock reads later than the capture's: it wakes up to its latency budget later, and later
# still where others have the processor, which they may not here. What that does to a jitter is
# bounded by the jitter of the SBC's own delay, which the capture shows: that is allowed, and this.
JITTER_TOLERANCE_MS = 0.3
LEGS = {"caller": (PBX, "cust2vc", "vc2cust"), "callee": (TRUNK, "rem2vc", "vc2rem")}
STREAM = re.compile(  # A line of `tshark -z rtp,streams`.
    r"^\s*[\d.]+\s+[\d.]+\s+(?P<source>\S+)\s+(?P<source_port>\d+)\s+(?P<to>\S+)\s+(?P<to_port>\d+)"
    r"\s+(?P<ssrc>0x\w+)\s+(?P<codec>.+?)\s+(?P<packets>\d+)\s+(?P<lost>-?\d+) \([-\d.]+%\)"
    r"(?:\s+-?[\d.]+){3}\s+(?P<jitter_min>[\d.]+)\s+(?P<jitter_mean>[\d.]+)"
    r"\s+(?P<jitter_max>[\d.]+)", re.M)


def run_first(process):
    """The kernel gives its threads a processor whenever they want one."""
    for thread in os.listdir(f"/proc/{process.pid}/task"):
        os.sched_setscheduler(int(thread), os.SCHED_FIFO, os.sched_param(1))


def write_scenario(rig, name):
    """One of the talking scenarios, which then asks for no good audio, and is silent before it
    hangs up: a packet that comes late, after the BYE, is nobody's.
    """
    text = (SCENARIOS / f"{name}.xml").read_text()
    for pattern, new in ((r' rf_\w+="[^"]*"', ""), (r"(voice\.ulaw),-1,", r"\1,1,")):
        text, count = re.subn(pattern, new, text)
        if count == 0:
            raise Failure(f"{name}.xml has no {pattern}: this test rewrites it")
    text = text.replace('<timewait milliseconds="4000"/>', "")  # No SIP gets lost.
    path = rig.folder / f"{name}.xml"
    path.write_text(text)
    return path


def start_load(far, name, ip, port, more):
    program = sbc_program().replace("ringfence-sbc", "ringfence-load")
    return far.start(name, [program, "-sf", write_scenario(far.rig, name), "-i", ip, "-p", port,
                            "-m", CALLS, "-nostdin", "-timeout", "40s", "-timeout_error", *more])


def play(far, sbc, connector_id):
    callee = start_load(far, "connector-outbound-talking", TRUNK, PORT, [])
    wait_for("the trunk listens", lambda: far.is_bound(TRUNK, PORT), alive=callee)
    caller = start_load(far, "pbx-outbound-talking", PBX, PORT, [
        "-r", 10, "-d", TALK_MS, "-set", "connector", connector_id, f"{SBC}:{sbc.customer_port}"])
    for process in (caller, callee):
        if (code := far.wait(process, 60)) != 0:
            raise Failure(f"{process.name}: exit {code}\n{far.output(process)}")
    sbc.wait_idle()


class Judge:
    """What tshark says of the capture."""

    def __init__(self, capture, sbc):
        decode = [(port, "sip") for port in (sbc.customer_port, sbc.trunk_port)]
        self.streams = {}
        for found in STREAM.finditer("\n".join(
                capture.tshark("-q", "-z", "rtp,streams", decode=decode))):
            key = (found["source"], int(found["source_port"]), found["to"], int(found["to_port"]))
            if key in self.streams:
                raise Failure(f"two streams of {key}")
            self.streams[key] = {name: float(found[name]) for name in (
                "packets", "lost", "jitter_min", "jitter_mean", "jitter_max")}
        self.ports = {}  # (Call-ID, who says it) -> the port of the media that it wants.
        for line in capture.tshark(
                "-Y", "sip && sdp", "-T", "fields", "-e", "sip.Call-ID", "-e", "ip.src", "-e",
                "sdp.media.port", decode=decode):
            call_id, source, port = line.split("\t")
            self.ports[call_id, source] = int(port)
        self.packets = defaultdict(list)  # (sequence number, timestamp), and when, in ms.
        self.times_ms = defaultdict(list)
        for line in capture.tshark(
                "-Y", "rtp", "-T", "fields", "-e", "ip.src", "-e", "udp.srcport", "-e", "ip.dst",
                "-e", "udp.dstport", "-e", "rtp.seq", "-e", "rtp.timestamp", "-e",
                "frame.time_relative", decode=decode):
            source, source_port, to, to_port, *packet, when = line.split("\t")
            key = (source, int(source_port), to, int(to_port))
            self.packets[key].append(tuple(packet))
            self.times_ms[key].append(float(when) * 1000)

    def repeated(self, key):
        """A stream's repeated packets: tshark's count of lost ones is less by these."""
        return len(self.packets[key]) - len(set(self.packets[key]))

    def highest_jitter(self, key, counts_copies):
        """RFC 3550's, of what the capture has of a stream of 8 kHz."""
        seen, before, highest, jitter = set(), None, 0.0, 0.0
        for packet, when in zip(self.packets[key], self.times_ms[key]):
            if packet in seen and not counts_copies:
                continue
            seen.add(packet)
            transit = when - int(packet[1]) / 8
            if before is not None:
                jitter += (abs(transit - before) - jitter) / 16
                highest = max(highest, jitter)
            before = transit
        return highest

    def copies(self, key):
        """What repeated packets do to the highest jitter: tshark counts them, RFC 3550 A.8 as the
        SBC has it does not.
        """
        return abs(self.highest_jitter(key, True) - self.highest_jitter(key, False))

    def tolerance(self, came, went):
        """How much the jitter that the SBC sees in one stream may differ from what was on the wire,
        as its delays on the way to the other tell: RFC 3550's filter of what they change by. And
        the SBC does not judge when the first packet came, which only proves the source (A.1).
        """
        ticks = int(self.packets[came][1][1]) - int(self.packets[came][0][1])
        first = self.times_ms[came][1] - self.times_ms[came][0] - ticks / 8
        delays = [there - here for here, there in zip(self.times_ms[came], self.times_ms[went])]
        highest = mean = 0.0
        for one, other in zip(delays, delays[1:]):
            mean += (abs(other - one) - mean) / 16
            highest = max(highest, mean)
        return JITTER_TOLERANCE_MS + abs(first) / 16 + highest + self.copies(came)

    def leg(self, call_id, peer):
        """What came from a peer, and what was sent to it: keys of the streams."""
        theirs, ours = self.ports[call_id, peer], self.ports[call_id, SBC]
        return (peer, theirs, SBC, ours), (SBC, ours, peer, theirs)


def check_leg(judge, call, leg, logged):
    """A leg of a call as calls.log and media.jsonl have it, against what tshark says."""
    flow = LEGS[leg][1:]
    other = "callee" if leg == "caller" else "caller"
    came, went = judge.leg(call[f"{leg}_call_id"], LEGS[leg][0])  # `went`: what the other said.
    _, crossed = judge.leg(call[f"{other}_call_id"], LEGS[other][0])
    if judge.packets[came] != judge.packets[crossed]:
        raise Failure(f"what the {leg} said is not, in that order, what the {other} was sent")
    tolerance = judge.tolerance(came, crossed)
    stream, words = judge.streams[came], media_words(call, leg)
    lost = stream["lost"] + judge.repeated(came)
    pairs = [
        ("received", words["received"], stream["packets"]),
        ("lost", words["lost"], lost),
        ("expected", words["expected"], stream["packets"] + stream["lost"]),
        ("duplicates", words["duplicates"], judge.repeated(came)),
        ("sent", words["sent"], judge.streams[went]["packets"]),
        ("media.jsonl's packets", logged[f"{flow[0]}_rtp_packets"], stream["packets"]),
        ("media.jsonl's packets sent", logged[f"{flow[1]}_rtp_packets"],
         judge.streams[went]["packets"]),
        ("media.jsonl's lost", logged[f"{flow[0]}_packets_lost"], lost),
    ]
    wrong = [f"{name} {ours}, tshark {theirs}" for name, ours, theirs in pairs if ours != theirs]
    if abs(words["jitter_max_ms"] - stream["jitter_max"]) > tolerance:
        wrong.append(f"jitter_max_ms {words['jitter_max_ms']}, tshark {stream['jitter_max']}")
    for name, now in (("jitter_ms", words["jitter_ms"]),
                      ("media.jsonl's jitter", logged[f"{flow[0]}_jitter"] / 1000)):
        if max(stream["jitter_min"] - now, now - stream["jitter_max"]) > tolerance:
            wrong.append(f"{name} {now}, tshark {stream}")
    if wrong:
        raise Failure(f"the {leg}'s leg: {'; '.join(wrong)}\n{call[f'{leg}_media']}\n{stream}, "
                      f"jitter may differ by {tolerance}")
    return lost, judge.repeated(came), abs(stream["jitter_max"] - words["jitter_max_ms"]), tolerance


def check(judge, sbc):
    calls, log = sbc.calls(), (sbc.logs / "media.jsonl").read_text()
    logged = {record["call_id"]: record for record in map(json.loads, log.splitlines())}
    if len(calls) != CALLS or len(logged) != CALLS or len(judge.streams) != 4 * CALLS:
        raise Failure(f"{len(calls)} calls, {len(logged)} of them in media.jsonl, "
                      f"{len(judge.streams)} streams for tshark")
    return [check_leg(judge, call, leg, logged[call["id"]]) for call in calls for leg in LEGS]


def test():
    sbc_program()
    for program in ("dumpcap", "tshark"):
        need(program, "tshark")
    own_network()
    if not os.path.exists("/dev/net/tun"):
        skip("there is no /dev/net/tun")
    with Rig() as rig:
        (rig.folder / "media").symlink_to(SCENARIOS / "media")
        far = FarSide(rig)
        with BadWire(far, SBC, [PBX, TRUNK], Fate(**FATE), SPOILT) as wire:
            blocks = media("20000-20031", "21000-21031", SBC, SBC)
            wire.spoilt = frozenset(port for block in blocks for port in ports_of(block))
            way = connector(1, (TRUNK, PORT), [(PBX, PORT)], [PBX])
            way["logging"] = {"EnableMediaMetricLogs": True}
            sbc = Sbc(rig, [way], {"media": blocks}, SBC, SBC)
            run_first(sbc.process)
            capture = Capture(rig, "rf-sbc", SBC, (PBX, 9))
            play(far, sbc, way["id"])
            capture.stop()
            sbc.stop()
            if wire.lost == 0 or wire.copied == 0:
                raise Failure(f"the wire lost {wire.lost} and copied {wire.copied}")
        lost, repeated, jitter, tolerance = zip(*check(Judge(capture, sbc), sbc))
        if sum(lost) < wire.lost / 2 or sum(repeated) < wire.copied / 2:
            raise Failure(f"of {wire.lost} lost and {wire.copied} copied packets tshark and the "
                          f"SBC know {sum(lost)} and {sum(repeated)}")
    print(f"{len(lost)} streams, {sum(lost):.0f} packets lost, {sum(repeated)} repeated; the "
          f"highest jitter differs by up to {max(jitter):.2f} ms of {max(tolerance):.2f} allowed")


if __name__ == "__main__":
    run(test)
