"""Calls with audio, set up through a relay: where each end of each call sends, for rtp_driver.

A call is a pair of ends: `near` (the trunk's, at NEAR_IP) and `far` (a customer's, at FAR_IP).
"""

import re
import select
import socket
import time
from dataclasses import dataclass

from bench_process import BenchError

NEAR_IP = "127.0.0.11"
FAR_IP = "127.0.0.12"
FIRST_PORT = 30000
PATIENCE_S = 10


@dataclass
class Call:
    """Ports of both ends and, once it is set up, where each of them sends: (address, port)."""
    index: int
    near_target: tuple = None
    far_target: tuple = None

    @property
    def near(self):
        return NEAR_IP, FIRST_PORT + 2 * self.index

    @property
    def far(self):
        return FAR_IP, FIRST_PORT + 2 * self.index


def sdp(end):
    return (f"v=0\r\no=bench 1 1 IN IP4 {end[0]}\r\ns=-\r\nc=IN IP4 {end[0]}\r\nt=0 0\r\n"
            f"m=audio {end[1]} RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\n"
            "a=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n")


def target_of(text):
    """Where a description says that audio goes."""
    address = re.search(r"^c=IN IP4 (\S+)", text, re.M)
    port = re.search(r"^m=audio (\d+) ", text, re.M)
    if not address or not port or port.group(1) == "0":
        raise BenchError(f"no audio in this description:\n{text}")
    return address.group(1), int(port.group(1))


# ---- SIP: the least that sets a call up, and ends it --------------------------------------------

def header(text, name):
    found = re.search(rf"^{name}: *(.*?)\r$", text, re.M | re.I)
    return found.group(1) if found else ""


def headers(text, name):
    return "".join(f"{name}: {value}\r\n" for value in
                   re.findall(rf"^{name}: *(.*?)\r$", text, re.M | re.I))


class SipEnds:
    """The trunk, which calls, and the PBX, which answers; each has one socket."""

    def __init__(self, near, far, sbc, called):
        self.sbc, self.called = sbc, called
        self.near, self.far = (self._open(at) for at in (near, far))
        self.calls, self.dialogs, self.answered, self.waiting = {}, {}, {}, 0

    @staticmethod
    def _open(at):
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        opened.bind(at)
        opened.setblocking(False)
        return opened

    def set_up(self, calls, window=20):
        new = {f"bench-{call.index}@near": call for call in calls}
        self.calls |= new
        to_send = list(new)
        deadline = time.monotonic() + PATIENCE_S
        while to_send or self.waiting:
            while to_send and self.waiting < window:
                self._invite(to_send.pop(0))
            self._take()
            if time.monotonic() > deadline:
                raise BenchError(f"{len(to_send) + self.waiting} calls were not set up")

    def _invite(self, call_id):
        call = self.calls[call_id]
        at, body = self.near.getsockname(), sdp(call.near)
        self.waiting += 1
        self.near.sendto((
            f"INVITE sip:{self.called}@{self.sbc[0]}:{self.sbc[1]} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {at[0]}:{at[1]};rport;branch=z9hG4bK{call.index}\r\n"
            f"From: <sip:+18155558245@{at[0]}>;tag=near{call.index}\r\n"
            f"To: <sip:{self.called}@{self.sbc[0]}>\r\nCall-ID: {call_id}\r\nCSeq: 1 INVITE\r\n"
            f"Contact: <sip:trunk@{at[0]}:{at[1]}>\r\nMax-Forwards: 70\r\n"
            f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        ).encode(), self.sbc)

    def _take(self):
        for ready in select.select([self.near, self.far], [], [], 0.05)[0]:
            while True:
                try:
                    datagram, source = ready.recvfrom(65536)
                except BlockingIOError:
                    break
                text = datagram.decode()
                (self._at_near if ready is self.near else self._at_far)(text, source)

    def _at_near(self, text, _source):
        if not text.startswith("SIP/2.0 200") or "INVITE" not in header(text, "CSeq"):
            if re.match(r"SIP/2.0 [3-6]", text):
                raise BenchError(f"the call was refused: {text.splitlines()[0]}")
            return
        call_id = header(text, "Call-ID")
        if call_id not in self.dialogs:
            self.waiting -= 1
            self.calls[call_id].near_target = target_of(text)
        contact = re.search(r"<(.*?)>", header(text, "Contact")).group(1)
        self.dialogs[call_id] = (contact, header(text, "From"), header(text, "To"))
        self._in_dialog(call_id, "ACK", 1)

    def _in_dialog(self, call_id, method, number):
        contact, from_, to = self.dialogs[call_id]
        at = self.near.getsockname()
        self.near.sendto((
            f"{method} {contact} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {at[0]}:{at[1]};rport;"
            f"branch=z9hG4bK{method}{self.calls[call_id].index}\r\n"
            f"From: {from_}\r\nTo: {to}\r\nCall-ID: {call_id}\r\nCSeq: {number} {method}\r\n"
            "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n").encode(), self.sbc)

    def _at_far(self, text, source):
        if text.startswith("ACK ") or text.startswith("SIP/2.0"):
            return
        body = ""
        to = header(text, "To")
        if text.startswith("INVITE "):
            # Which call it is cannot be told, and each far port is as good as another, so the next
            # one is taken. An INVITE that comes again has the answer of the first.
            call = self.answered.get(header(text, "Call-ID")) or \
                next(one for one in self.calls.values() if one.far_target is None)
            self.answered[header(text, "Call-ID")] = call
            call.far_target = target_of(text)
            body, to = sdp(call.far), f"{to};tag=far{call.index}"
        at = self.far.getsockname()
        self.far.sendto((
            f"SIP/2.0 200 OK\r\n{headers(text, 'Via')}{headers(text, 'Record-Route')}"
            f"From: {header(text, 'From')}\r\nTo: {to}\r\nCall-ID: {header(text, 'Call-ID')}\r\n"
            f"CSeq: {header(text, 'CSeq')}\r\nContact: <sip:pbx@{at[0]}:{at[1]}>\r\n"
            + ("Content-Type: application/sdp\r\n" if body else "")
            + f"Content-Length: {len(body)}\r\n\r\n{body}").encode(), source)

    def hang_up(self):
        for call_id in self.dialogs:
            self._in_dialog(call_id, "BYE", 2)
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            self._take()

    def close(self):
        self.near.close()
        self.far.close()


# ---- rtpengine's control protocol ---------------------------------------------------------------

def bencode(value):
    if isinstance(value, dict):
        return b"d" + b"".join(bencode(key) + bencode(value[key]) for key in sorted(value)) + b"e"
    if isinstance(value, list):
        return b"l" + b"".join(map(bencode, value)) + b"e"
    raw = value.encode() if isinstance(value, str) else value
    return str(len(raw)).encode() + b":" + raw


class RtpengineControl:
    """Offers and answers to rtpengine, one at a time."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(2)
        self.address, self.cookie = address, 0

    def ask(self, command, **fields):
        self.cookie += 1
        cookie = str(self.cookie).encode()
        message = {"command": command, **{name.replace("_", "-"): value
                                          for name, value in fields.items()}}
        self.socket.sendto(cookie + b" " + bencode(message), self.address)
        answer = self.socket.recv(65536).split(b" ", 1)[1].decode()
        if "6:result2:ok" not in answer and "4:pong" not in answer:
            raise BenchError(f"rtpengine: {command}: {answer[:300]}")
        return answer

    def set_up(self, calls):
        for call in calls:
            ids = {"call_id": f"bench-{call.index}", "from_tag": "near",
                   "ICE": "remove", "replace": ["origin"]}
            call.far_target = target_of(self.ask("offer", sdp=sdp(call.near), **ids))
            call.near_target = target_of(self.ask("answer", sdp=sdp(call.far), to_tag="far", **ids))

    def close(self):
        self.socket.close()


def routes_text(calls, address_of):
    """What forward_stub reads: both directions of every call, through the ports that a relay has
    given them, at other addresses: `address_of` names the stub's for each of the relay's.
    """
    def port(target):
        return f"{address_of[target[0]]}:{target[1]}"

    return "".join(f"{port(in_)} {from_[0]}:{from_[1]} {port(out)} {to[0]}:{to[1]}\n"
                   for call in calls for in_, from_, out, to in (
                       (call.near_target, call.near, call.far_target, call.far),
                       (call.far_target, call.far, call.near_target, call.near)))


def ends_text(calls):
    """What rtp_driver reads: both ends of every call."""
    return "".join(f"{call.index} {local[0]}:{local[1]} {target[0]}:{target[1]}\n" for call in calls
                   for local, target in ((call.near, call.near_target),
                                         (call.far, call.far_target)))
