"""SIP datagrams in a capture file, and what may be said against each: by tshark's dissectors, and
by RFC 3261 of the fields that tshark reads.

tshark alone is a mild judge: its experts let a message pass that has no CSeq, or whose
Content-Length is not its body's.
"""

import re
import socket
import struct
import subprocess

from rig import Failure, need

TROUBLE = "_ws.malformed || _ws.expert.severity >= warning"
# Each message has one of these (§8.1.1; Content-Length, because all that we write has it).
ONCE = ["sip.To", "sip.to.addr", "sip.From", "sip.from.addr", "sip.from.tag", "sip.Call-ID",
        "sip.CSeq", "sip.CSeq.method", "sip.Content-Length"]
# And as many of these as it has Vias.
VIA = ["sip.Via.transport", "sip.Via.sent-by.address", "sip.Via.branch"]
FIELDS = ["frame.number", "udp.payload", "sip.Method", "sip.Status-Code", "sip.Max-Forwards",
          "sip.to.tag", "sip.Via", *VIA, *ONCE]
SEPARATOR = "|"  # Of the values of one field; it stands in none that we write.


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


def payload_of(data):
    return data[28:]


def write_capture(path, frames):
    linktype_raw = 101
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, linktype_raw))
        for number, data in enumerate(frames):
            out.write(struct.pack("<4I", number, 0, len(data), len(data)) + data)


def ask_tshark(path, ports, display_filter, fields):
    """Those fields of the frames that the filter shows: a dict a frame, of lists of values."""
    command = [need("tshark", "tshark"), "-n", "-r", str(path), "-Y", display_filter,
               "-T", "fields", "-E", f"aggregator={SEPARATOR}"]
    for port in ports:
        command += ["-d", f"udp.port=={port},sip"]
    for field in fields:
        command += ["-e", field]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        raise Failure(f"tshark: {done.stderr[-1000:]}")
    for line in done.stdout.splitlines():
        values = [text.split(SEPARATOR) if text else [] for text in line.split("\t")]
        yield dict(zip(fields, values, strict=True))


def number_of(message):
    return int(message["frame.number"][0]) - 1


def field_faults(message):
    """What RFC 3261 has against the fields of one message."""
    for field in ONCE:
        values = message[field]
        if len(values) != 1 or not values[0]:
            yield f"{field}: {values or 'none'}"
    method, cseq = message["sip.Method"], message["sip.CSeq"]
    for value in cseq:  # A number that is none is 0 to tshark, as elsewhere.
        if not re.fullmatch(r"\d{1,10} [A-Z]+", value):
            yield f"CSeq: {value}"
    # Whoever answers may put those of a request into one field (§7.3.1).
    vias = [via for value in message["sip.Via"] for via in value.split(",")]
    for field in VIA:
        if not vias or len(message[field]) != len(vias) or not all(message[field]):
            yield f"{field}: {message[field]} of {vias or 'no Via'}"
    for branch in message["sip.Via.branch"]:
        if not branch.startswith("z9hG4bK"):
            yield f"branch: {branch}"
    if method:
        if message["sip.CSeq.method"] != method:
            yield f"the CSeq of {method[0]}: {cseq}"
        hops = message["sip.Max-Forwards"]
        if len(hops) != 1 or not 0 < int(hops[0]) <= 255:  # What is no number is 0 to tshark.
            yield f"Max-Forwards: {hops or 'none'}"
    elif message["sip.Status-Code"] != ["100"] and len(message["sip.to.tag"]) != 1:
        yield f"the To-tag of a response: {message['sip.to.tag'] or 'none'}"
    _, end, body = bytes.fromhex(message["udp.payload"][0]).partition(b"\r\n\r\n")
    if not end:
        yield "no empty line behind the header"
    if message["sip.Content-Length"] != [str(len(body))]:
        yield f"Content-Length {message['sip.Content-Length']}, but {len(body)} bytes of body"


def expert_faults(path, ports):
    """What tshark's experts say, by the frame's number from 0."""
    return {number_of(message): " ".join(message["_ws.expert.message"]) or "malformed"
            for message in ask_tshark(path, ports, TROUBLE, ["frame.number", "_ws.expert.message"])}


def judge(path, frames, ports):
    """Writes the frames to `path`; what is wrong with each, by its number from 0."""
    write_capture(path, frames)
    faults = {number: ["tshark does not take it for SIP"] for number in range(len(frames))}
    for message in ask_tshark(path, ports, "sip", FIELDS):
        faults[number_of(message)] = list(field_faults(message))
    for number, said in expert_faults(path, ports).items():
        faults[number].append(f"tshark: {said}")
    return {number: said for number, said in faults.items() if said}
