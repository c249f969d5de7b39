#!/usr/bin/env python3
"""SIPp talks with SIPp through the SBC's media: a wav, a capture, an echo, and an echo for a
caller behind a NAT, on a captured wire.

Each kind of talking is a connector of its own, and all of them talk at once, while a third host and
the peers' own hosts spray every media port of the SBC. What each side was sent must be what the
other sent, packet for packet, as tshark reads the capture; the SBC's records must count the same;
and what was sprayed must reach nobody. Skipped (77) where there is no root, sipp or tshark.
"""

import random
import struct
from collections import Counter
from pathlib import Path

from media_rig import Capture, Sprayer, media, media_words, rtp_flows
from networks import own_network
from rig import (CUSTOMER, SCENARIOS, TRUNK, Failure, Rig, Sbc, Sipp, connector, free_block,
                 free_port, need, run, sbc_program, skip)

CALLS = 3  # A kind of talking.
STRANGER = "127.0.9.9"
CAPTURE = Path("/usr/share/sip-tester/g711a.pcap")  # A-law, 236 packets.
TALK_MS = 6600  # With the second that the scenario has anyway, longer than its 7.05 s.
SLACK = 2  # SIPp plays a wav's header too, and may begin its loop anew before it stops.
SOUND = 'rtp_stream="media/voice.ulaw,-1,0,PCMU/8000"'
PORT = "[rtpstream_audio_port]"


class Kind:
    """One way to talk. Pairs are of the caller and the callee.

    `plays`: what, as SIPp's <exec> has it. `packets`: how many each then sends in a call. `ports`:
    SIPp's keywords of the media ports in the descriptions. `options`: SIPp's. `nat`: the caller's
    description names an address behind a NAT, so the SBC has to learn from where it talks.
    """

    def __init__(self, name, plays, packets, ports=(PORT, PORT), law=(0, "PCMU"),
                 options=((), ()), nat=False):
        self.name, self.plays, self.packets, self.ports = name, plays, packets, ports
        self.law, self.options, self.nat = law, options, nat

    def set_up(self, rig, number):
        self.pbx, self.trunk = f"127.0.1.{number}", f"127.0.2.{number}"
        self.port_of_callee = free_port(self.trunk)
        self.connector = connector(number, (self.trunk, self.port_of_callee),
                                   [(self.pbx, free_port(self.pbx))], [self.pbx])
        self.connector["customers"] = [{"cidrs": [f"{self.pbx}/32"], "nat": self.nat}]
        self.scenarios = []
        for base, play, port in zip(("pbx-outbound", "connector-outbound"), self.plays,
                                    self.ports):
            text = (SCENARIOS / f"{base}-talking.xml").read_text()
            action = f"<action><exec {SOUND}/></action>"
            for old in (PORT, action, "RTP/AVP 0", "rtpmap:0 PCMU"):
                if old not in text:
                    raise Failure(f"{base}-talking.xml has no {old}: this test rewrites it")
            text = text.replace(PORT, port).replace(
                action, f"<action><exec {play}/></action>" if play else "")
            text = text.replace("RTP/AVP 0", f"RTP/AVP {self.law[0]}").replace(
                "rtpmap:0 PCMU", "rtpmap:{} {}".format(*self.law))
            if self.nat and base == "pbx-outbound":
                text = text.replace("[media_ip]", "192.168.7.7")
            text = text.replace('<timewait milliseconds="4000"/>', "")  # Nothing gets lost here.
            path = rig.folder / f"{base}-{self.name}.xml"
            path.write_text(text)
            self.scenarios.append(path)

    def start_callee(self, rig):
        self.callee = Sipp(rig, self.scenarios[1], self.trunk, CALLS,
                           ["-mi", self.trunk, *self.options[1]], port=self.port_of_callee)

    def start_caller(self, rig, sbc):
        self.caller = Sipp(rig, self.scenarios[0], self.pbx, CALLS, [
            "-mi", self.pbx, "-r", 10, "-d", TALK_MS, "-set", "connector", self.connector["id"],
            *self.options[0], f"{CUSTOMER}:{sbc.customer_port}"])


def write_wav(path, seconds):
    """A mu-law wav of noise: every packet differs from every other."""
    data = random.Random(711).randbytes(8000 * seconds)
    form = struct.pack("<HHIIHH", 7, 1, 8000, 8000, 1, 8)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack(
        "<I", len(data)) + data
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)


def kinds(rig):
    (rig.folder / "media").symlink_to(SCENARIOS / "media")
    write_wav(rig.folder / "tone.wav", 2)
    wav = 'rtp_stream="tone.wav,1,0,PCMU/8000"'
    voice = 'rtp_stream="media/voice.ulaw,2,0,PCMU/8000"'
    pcap = f'play_pcap_audio="{CAPTURE}"'
    return [
        Kind("stream", (wav, voice), (101, 300)),
        Kind("capture", (pcap, pcap), (236, 236), ("[auto_media_port]", "[auto_media_port]"),
             (8, "PCMA"), (("-mp", 36000), ("-mp", 38000))),
        Kind("echo", (voice, ""), (300, 300), (PORT, "[media_port]"),
             options=((), ("-rtp_echo", "-mp", 40000))),
        Kind("nat", (voice, ""), (300, 300), (PORT, "[media_port]"),
             options=((), ("-rtp_echo", "-mp", 42000)), nat=True),
    ]


def play(rig, sbc, all_kinds):
    for kind in all_kinds:
        kind.start_callee(rig)
    for kind in all_kinds:
        kind.callee.wait_bound()
    for kind in all_kinds:
        kind.start_caller(rig, sbc)
    failures = []
    for sipp in [sipp for kind in all_kinds for sipp in (kind.caller, kind.callee)]:
        try:
            sipp.finish()
        except Failure as failure:
            failures.append(str(failure))
    if failures:
        raise Failure("\n".join(failures))
    sbc.wait_idle()


def check_crossing(kind, sent, heard, packets, way):
    """Each stream that one side sent the SBC is a stream that the SBC sent the other side."""
    if len(sent) != CALLS or any(abs(len(stream) - packets) > SLACK for stream in sent.values()):
        raise Failure(f"{kind.name}, {way}: {CALLS} streams of {packets} packets should have come, "
                      f"not { {flow: len(stream) for flow, stream in sent.items()} }")
    if sorted(sent.values()) != sorted(heard.values()):
        counts = [sorted(map(len, streams.values())) for streams in (sent, heard)]
        raise Failure(f"{kind.name}, {way}: what was relayed is not what came; packets of each "
                      f"stream: {counts}")


def check_records(kind, calls, way, sent, heard):
    """The records of a kind's calls count what was on the wire."""
    speaker, hearer = way
    for key, leg, streams in (("received", speaker, sent), ("expected", speaker, sent),
                              ("sent", hearer, heard)):
        said = sorted(media_words(call, leg)[key] for call in calls)
        if said != sorted(map(len, streams.values())):
            raise Failure(f"{kind.name}: the {leg}s' {key}= are {said}, on the wire were "
                          f"{sorted(map(len, streams.values()))}")
    for call in calls:
        words = media_words(call, speaker)
        wrong = {key: words[key] for key in ("lost", "duplicates", "reordered", "ssrc_changes",
                                             "payload_switches", "dtmf") if words[key] != 0}
        if wrong or words["codec"] != kind.law[1].lower():
            raise Failure(f"{kind.name}: of a whole stream the SBC says {call[f'{speaker}_media']}")


def check(kind, flows, blocks, all_calls):
    calls = [call for call in all_calls if call["connector"] == kind.connector["id"]]
    ends = Counter((call["end"], call["status"]) for call in calls)
    if ends != {("caller_hung_up", "200"): CALLS}:
        raise Failure(f"{kind.name}: the call log: {ends}")
    from_pbx, to_pbx = rtp_flows(flows, blocks[0], kind.pbx)
    from_trunk, to_trunk = rtp_flows(flows, blocks[1], kind.trunk)
    for way, sent, heard, packets in (
            (("caller", "callee"), from_pbx, to_trunk, kind.packets[0]),
            (("callee", "caller"), from_trunk, to_pbx, kind.packets[1])):
        check_crossing(kind, sent, heard, packets, " to ".join(way))
        check_records(kind, calls, way, sent, heard)


def test():
    sbc_program()
    for program, package in (("sipp", "sip-tester"), ("dumpcap", "tshark"), ("tshark", "tshark")):
        need(program, package)
    if not CAPTURE.exists():
        skip(f"there is no {CAPTURE} (Debian: sip-tester)")
    own_network()
    with Rig() as rig:
        all_kinds = kinds(rig)
        for number, kind in enumerate(all_kinds, 1):
            kind.set_up(rig, number)
        blocks = media(free_block(CUSTOMER, 32), free_block(TRUNK, 32))
        sbc = Sbc(rig, [kind.connector for kind in all_kinds], {"media": blocks})
        capture = Capture(rig, "lo", "127.0.0.1")
        # A port of a NAT is anybody's behind it: there only the host can tell the caller.
        hosts = [STRANGER] + [ip for kind in all_kinds for ip in (kind.pbx, kind.trunk)
                              if not (kind.nat and ip == kind.pbx)]
        with Sprayer(blocks, hosts, (0, 8)) as sprayer:
            play(rig, sbc, all_kinds)
        drops = {cause: sbc.metrics()[f'ringfence_media_drops_total{{cause="{cause}"}}']
                 for cause in ("stray", "wrong_source")}
        capture.stop()
        sbc.stop()
        flows = capture.datagrams()
        sprayer.check(flows, {CUSTOMER, TRUNK})
        if not all(drops.values()):
            raise Failure(f"of what was sprayed some should have been dropped as each of: {drops}")
        calls, flows = sbc.calls(), sprayer.without(flows)
        for kind in all_kinds:
            check(kind, flows, blocks, calls)
    print(f"{len(all_kinds)} kinds of talking, {CALLS} calls each; {sprayer.sent} packets sprayed")


if __name__ == "__main__":
    run(test)
