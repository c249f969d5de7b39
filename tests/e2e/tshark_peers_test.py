#!/usr/bin/env python3
"""tshark reads what the SBC and the generator wrote: every message of every pair of scenarios, and
of the SBC a refusal and a probe, too.

Each datagram must be SIP to Wireshark's dissectors; none may be malformed or earn a warning; and
each must have the header fields of RFC 3261 §8.1.1, as sip_wire.py says. That judge is itself put
to the test with messages that are spoilt, each in one way. The bytes are those that SIPp received,
as it wrote them down, put into a capture file; so nothing here needs the right to capture. Skipped
(77) where there is no tshark or no sipp.
"""

import re
import socket

from pairs import CALLS, PAIRS, make_pairs, play, start_callees
from rig import (CUSTOMER, SCENARIOS, TRUNK, Failure, Load, Rig, Sbc, Sipp, connector, need,
                 own_program, run)
from sip_wire import expert_faults, frame, judge, payload_of, received, write_capture

# What must be among the messages, so that an empty capture is no success.
FIRST_LINES = ["INVITE sip:", "ACK sip:", "BYE sip:", "CANCEL sip:",
               *(f"SIP/2.0 {status} " for status in (100, 180, 183, 200, 403, 486, 487, 603))]
TALKING = [("connector-inbound-talking", "pbx-inbound-talking"),
           ("pbx-outbound-talking", "connector-outbound-talking")]
GENERATOR, WITNESS = "127.0.3.1", "127.0.3.2"
SIP_PORT = 5060  # In the capture; each generator has had one of its own.

# One way each to spoil an INVITE with a body, and a 200 with one: what is found, what is put there.
ANY = [
    ("no To", rb"\r\nTo:[^\r]*", b""),
    ("a To without its >", rb"(\r\nTo:[^\r>]*)>", rb"\1"),
    ("two To", rb"(\r\nTo:[^\r]*)", rb"\1\1"),
    ("no From", rb"\r\nFrom:[^\r]*", b""),
    ("a From without its >", rb"(\r\nFrom:[^\r>]*)>", rb"\1"),
    ("a From without a tag", rb"(\r\nFrom:[^\r]*);tag=[^\r;]*", rb"\1"),
    ("no CSeq", rb"\r\nCSeq:[^\r]*", b""),
    ("two CSeq", rb"(\r\nCSeq:[^\r]*)", rb"\1\1"),
    ("a CSeq without a number", rb"(\r\nCSeq: )\d+ ", rb"\1"),
    ("a CSeq whose number is none", rb"(\r\nCSeq: )\d+", rb"\1one"),
    ("a CSeq without a method", rb"(\r\nCSeq: \d+) INVITE", rb"\1"),
    ("a field without its colon", rb"\r\nCSeq:", rb"\r\nCSeq;"),
    ("no Call-ID", rb"\r\nCall-ID:[^\r]*", b""),
    ("an empty Call-ID", rb"(\r\nCall-ID:)[^\r]*", rb"\1"),
    ("no Via", rb"(\r\nVia:[^\r]*)+", b""),
    ("a Via without sent-by", rb"(\r\nVia: SIP/2.0/UDP )[^;\r]*", rb"\1"),
    ("a Via of a port alone", rb"(\r\nVia: SIP/2.0/UDP )[^:;\r]*", rb"\1"),
    ("a Via without its branch", rb"(\r\nVia:[^\r]*);branch=[^;\r]*", rb"\1"),
    ("a branch of RFC 2543", rb";branch=z9hG4bK", b";branch="),
    ("no Content-Length", rb"\r\nContent-Length:[^\r]*", b""),
    ("a Content-Length beyond the body", rb"(\r\nContent-Length: *)(\d)", rb"\g<1>1\2"),
    ("a Content-Length of nothing", rb"(\r\nContent-Length: *)\d+", rb"\g<1>0"),
    ("a body that is cut short", rb"..\Z", b""),
    ("a body that goes on", rb"\Z", b"\r\n"),
    ("no body where one is told", rb"\r\n\r\n.*\Z", rb"\r\n\r\n"),
    ("an end within the header", rb"\r\n\r\n.*\Z", rb"\r\n"),
    ("lines without CR", rb"\A(.*)\Z", lambda found: found[0].replace(b"\r\n", b"\n")),
    ("another version", rb"SIP/2.0", b"SIP/7.0"),
]
OF_REQUESTS = [
    ("a CSeq of another method", rb"(\r\nCSeq: \d+) INVITE", rb"\1 BYE"),
    ("no Max-Forwards", rb"\r\nMax-Forwards:[^\r]*", b""),
    ("Max-Forwards that are no number", rb"(\r\nMax-Forwards: )\d+", rb"\1many"),
    ("Max-Forwards beyond all", rb"(\r\nMax-Forwards: )\d+", rb"\g<1>256"),
    ("no Request-URI", rb"\AINVITE \S+ ", b"INVITE "),
]
OF_RESPONSES = [
    ("a To without a tag", rb"(\r\nTo:[^\r]*);tag=[^\r;]*", rb"\1"),
    ("a status of two digits", rb"\ASIP/2.0 200", b"SIP/2.0 20"),
]
# What tshark's experts find without us: so little that they alone are no judge.
EXPERTS_FIND = {"a field without its colon", "an end within the header"}


def collect_sbc(rig):
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


def collect_generator(rig, calling, pairs, calls):
    """The generator is the caller, or the callee, of each pair, and SIPp the other; its frames."""
    caller_kind, callee_kind = (Load, Sipp) if calling else (Sipp, Load)
    caller_ip, callee_ip = (GENERATOR, WITNESS) if calling else (WITNESS, GENERATOR)
    callees = [callee_kind(rig, callee, callee_ip, calls, ["-d", 200]) for _, callee in pairs]
    for callee in callees:
        callee.wait_bound()
    callers = [
        caller_kind(rig, pair[0], caller_ip, calls,
                    ["-r", 10, "-d", 200, f"{callee_ip}:{callee.port}"])
        for pair, callee in zip(pairs, callees, strict=True)]
    for program in callers + callees:
        program.finish()
    return [frame(payload, (GENERATOR, SIP_PORT), (WITNESS, SIP_PORT))
            for sipp in (callees if calling else callers) for payload in received(sipp)]


def spoil(name, pattern, replacement, message):
    spoilt, count = re.subn(pattern, replacement, message, count=1, flags=re.DOTALL)
    if count != 1 or spoilt == message:
        raise Failure(f"{name}: the message has nothing to spoil so:\n{message.decode()}")
    return spoilt


def check_the_judge(rig, who, frames):
    """Takes an INVITE and a 200 with bodies, which are sound, and spoils each in every way."""
    payloads = [payload_of(data) for data in frames]
    cases = []
    for first_line, ways in ((b"INVITE ", ANY + OF_REQUESTS),
                             (b"SIP/2.0 200 ", ANY + OF_RESPONSES)):
        sound = next(text for text in payloads if text.startswith(first_line)
                     and b" INVITE\r\n" in text and not text.endswith(b"\r\n\r\n"))
        cases += [(f"{first_line.decode()}with {name}", name, spoil(name, *way, sound))
                  for name, *way in ways]
    spoilt = [frame(text, (GENERATOR, SIP_PORT), (WITNESS, SIP_PORT)) for _, _, text in cases]
    path = rig.folder / f"spoilt-{who.replace(' ', '-')}.pcap"
    faults = judge(path, spoilt, [SIP_PORT])
    missed = [case for number, (case, _, _) in enumerate(cases) if number not in faults]
    if missed:
        raise Failure(f"{who}: nothing is found against {missed}")
    experts = expert_faults(path, [SIP_PORT])
    missed = [case for number, (case, name, _) in enumerate(cases)
              if name in EXPERTS_FIND and number not in experts]
    if missed:
        raise Failure(f"{who}: tshark's experts find nothing against {missed}")
    return len(cases)


def check(rig, who, frames, ports, first_lines):
    missing = [line for line in first_lines
               if not any(payload_of(data).startswith(line.encode()) for data in frames)]
    if missing:
        raise Failure(f"{who} sent no {missing}")
    faults = judge(rig.folder / f"{who.replace(' ', '-')}.pcap", frames, ports)
    if faults:
        said = [f"{'; '.join(faults[number])}\n{payload_of(frames[number]).decode()}"
                for number in sorted(faults)[:5]]
        raise Failure(f"{who}: {len(faults)} of {len(frames)} messages:\n" + "\n".join(said))
    spoilt = check_the_judge(rig, who, frames)
    print(f"{who}: {len(frames)} messages, with none of which anything is wrong; "
          f"{spoilt} that were spoilt, all found out")


def test():
    need("sipp", "sip-tester")
    need("tshark", "tshark")
    own_program("ringfence-load")
    with Rig() as rig:
        (rig.folder / "media").symlink_to(SCENARIOS / "media")  # Where SIPp looks for it.
        frames, ports = collect_sbc(rig)
        check(rig, "the SBC", frames, ports, [*FIRST_LINES, "OPTIONS sip:"])
        frames = []
        for calling in (True, False):
            frames += collect_generator(rig, calling, [pair[:2] for pair in PAIRS], CALLS)
            frames += collect_generator(rig, calling, TALKING, 1)
        check(rig, "the generator", frames, [SIP_PORT], FIRST_LINES)


if __name__ == "__main__":
    run(test)
