#!/usr/bin/env python3
"""The generator's audio against SIPp's, and against itself, on loopback.

    tests/e2e/loadgen_media_test.py BIN      BIN holds ringfence-load; exits 77 without SIPp

The talking pair of scenarios is played by each pair of the two programs; SIPp plays a capture to
us, which wants to be root; and what we send to SIPp's -rtp_echo must come back as it was.
"""

import csv
import json
import math
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from loadgen_sipp_test import HOST, SCENARIOS, finish, free_port, wait_bound

SIPP_CAPTURES = Path("/usr/share/sip-tester")
CALLS = 3
TRIES = 3  # Where our own generator says that it was too slow, the audio was bad by its own doing,
LIMITED = r"generator limited +yes"  # which says nothing of what is tested (scenarios/README.md).
SLACK_MS = 1000  # By so much may a player fall behind its capture.

CAPTURE_CALLER = """<?xml version="1.0"?>
<scenario name="plays a capture">
  <send retrans="500"><![CDATA[
    INVITE sip:b@[remote_ip]:[remote_port] SIP/2.0
    Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
    From: <sip:a@[local_ip]>;tag=[call_number]
    To: <sip:b@[remote_ip]>
    Call-ID: [call_id]
    CSeq: 1 INVITE
    Contact: <sip:a@[local_ip]:[local_port]>
    Content-Type: application/sdp
    Content-Length: [len]

    v=0
    o=- 1 1 IN IP[local_ip_type] [local_ip]
    s=-
    c=IN IP[local_ip_type] [local_ip]
    t=0 0
    m=audio [auto_media_port] RTP/AVP 8 101
    a=rtpmap:101 telephone-event/8000

  ]]></send>
  <recv response="180" optional="true"/>
  <recv response="200"/>
  <send><![CDATA[
    ACK sip:b@[remote_ip]:[remote_port] SIP/2.0
    Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
    From: <sip:a@[local_ip]>;tag=[call_number]
    To: <sip:b@[remote_ip]>[peer_tag_param]
    Call-ID: [call_id]
    CSeq: 1 ACK
    Content-Length: 0

  ]]></send>
  PLAY
  <pause milliseconds="2000"/>
  <send retrans="500"><![CDATA[
    BYE sip:b@[remote_ip]:[remote_port] SIP/2.0
    Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
    From: <sip:a@[local_ip]>;tag=[call_number]
    To: <sip:b@[remote_ip]>[peer_tag_param]
    Call-ID: [call_id]
    CSeq: 2 BYE
    Content-Length: 0

  ]]></send>
  <recv response="200"/>
</scenario>
"""

LISTENER = """<?xml version="1.0"?>
<scenario name="listens">
  <recv request="INVITE"/>
  <send retrans="500"><![CDATA[
    SIP/2.0 200 OK
    [last_Via:]
    [last_From:]
    [last_To:];tag=[call_number]
    [last_Call-ID:]
    [last_CSeq:]
    Contact: <sip:b@[local_ip]:[local_port]>
    Content-Type: application/sdp
    Content-Length: [len]

    v=0
    o=- 1 1 IN IP[local_ip_type] [local_ip]
    s=-
    c=IN IP[media_ip_type] [media_ip]
    t=0 0
    m=audio [rtpstream_audio_port] RTP/AVP 8 101
    a=rtpmap:101 telephone-event/8000

  ]]></send>
  <recv request="ACK"/>
  <recv request="BYE" CHECK/>
  <send><![CDATA[
    SIP/2.0 200 OK
    [last_Via:]
    [last_From:]
    [last_To:]
    [last_Call-ID:]
    [last_CSeq:]
    Content-Length: 0

  ]]></send>
</scenario>
"""


class Players:
    """Two programs on loopback, each in a folder in which SIPp finds the media files."""

    def __init__(self, bin_folder, folder):
        self.load = str(Path(bin_folder).resolve() / "ringfence-load")
        self.folder = Path(folder)
        self.plays = 0

    def start(self, program, tag, arguments, host):
        folder = self.folder / tag
        folder.mkdir(parents=True)
        (folder / "media").symlink_to(SCENARIOS / "media")
        own = ([self.load, "--json", "report.json", "-trace_media", "-media_file", "media.csv"]
               if program == "load" else ["sipp", "-nostdin"])
        with open(folder / "output", "wb") as log:
            return subprocess.Popen(
                own + arguments + ["-i", host, "-m", str(CALLS), "-trace_err"], cwd=folder,
                stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                env={**os.environ, "TERM": "dumb"})

    def play(self, name, server, client, host=HOST):
        """`server` and `client`: program and arguments. What went wrong, and the two reports."""
        port = free_port()
        self.plays += 1  # What is tried again has a folder of its own.
        tag = f"{name}_{self.plays}".replace(" ", "_").replace(":", "_")
        processes = [self.start(server[0], tag + "/server", server[1] + ["-p", str(port)], host)]
        if ":" not in host:  # Otherwise the INVITE comes again until somebody has the port.
            wait_bound(port, processes[0])
        processes.append(self.start(client[0], tag + "/client", [
            f"[{host}]:{port}" if ":" in host else f"{host}:{port}", *client[1],
            "-p", str(free_port()), "-r", "20"], host))
        codes = finish(processes)
        reports = []
        for side in ("server", "client"):
            report = self.folder / tag / side / "report.json"
            reports.append(json.loads(report.read_text())["media"] if report.exists() else None)
        if codes == [0, 0]:
            problems = [judge_csv(self.folder / tag / side / "media.csv", media)
                        for side, media in zip(("server", "client"), reports) if media]
            return next(filter(None, problems), None), *reports
        text = f"server {codes[0]}, client {codes[1]}\n"
        for file in sorted((self.folder / tag).rglob("*")):
            if file.is_file():
                text += f"--- {file.name} of {file.parent.name}\n"
                text += file.read_bytes()[-2000:].decode("utf-8", "replace")
        return text, *reports

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return str(path)


def talking(players, server, client, host=HOST, flow=("connector-outbound", "pbx-outbound")):
    marks = ["--media_marks"] if server == client == "load" else []
    side = lambda program, name: (program, [
        "-sf", str(SCENARIOS / f"{name}-talking.xml"), *(marks if program == "load" else [])])
    problem, *reports = players.play(f"{client} talks with {server} on {host}, {flow[1]}",
                                     side(server, flow[0]), side(client, flow[1]), host)
    if problem is not None:
        return problem
    for media in filter(None, reports):
        # A second is 50 packets; what SIPp cannot do in time is its own affair.
        if media["received"]["packets"] < 40 * CALLS or media["silent_calls"] != 0:
            return f"too little audio: {media}"
        if marks and (media["marks"]["received"] < 40 * CALLS or media["marks"]["misrouted"] != 0
                      or media["marks"]["one_way_us"]["count"] == 0):
            return f"marks: {media['marks']}"
    return judge_pairs(*reports) if marks else None


def judge_csv(path, media):
    """The file says of each call what --json says."""
    rows = list(csv.DictReader(path.open(), delimiter=";"))
    told = {row["CallId"]: int(row["PacketsReceived"]) for row in rows}
    known = {call["call_id"]: call["received"] for call in media["per_call"]}
    return None if told == known and len(rows) == CALLS else f"{path}: {told}, --json {known}"


def judge_pairs(callee, caller):
    """Nothing stands between: the ends of a call share its Call-ID, and must hear each other."""
    callees = {call["call_id"]: call["marks"] for call in callee["per_call"]}
    for call in caller["per_call"]:
        one, other = call["marks"], callees[call["call_id"]]
        if one["peer"] != other["own"] or other["peer"] != one["own"]:
            return f"crossed: {one}, {other}"
        if not one["mutual"] or not other["mutual"]:
            return f"not mutual: {one}, {other}"
        # What was on its way when the other hung up is lost at the end.
        if one["sent"] - other["expected"] > 10 or other["sent"] - one["expected"] > 10:
            return f"lost at the end: {one}, {other}"
    return None


def read_pcap(path):
    """How many packets a capture has, and how many ms it lasts."""
    data = path.read_bytes()
    order = "<" if data[:4] == b"\xd4\xc3\xb2\xa1" else ">"
    times, at = [], 24
    while at < len(data):
        seconds, us, size, _ = struct.unpack_from(f"{order}IIII", data, at)
        times.append(seconds * 1000 + us / 1000)
        at += 16 + size
    return len(times), math.ceil(times[-1] - times[0])


def capture(players):
    """SIPp's own captures, of A-law and of RFC 4733 digits: that it is 1 is heard."""
    files = [SIPP_CAPTURES / "g711a.pcap", SIPP_CAPTURES / "dtmf_2833_1.pcap"]
    if os.geteuid() != 0 or not all(file.exists() for file in files):
        return None  # SIPp plays captures through a raw socket.
    packets, execs = 0, ""
    for file in files:  # Each is over before the next begins, or the call ends: so all of it plays.
        count, lasts_ms = read_pcap(file)
        packets += count
        execs += (f'<nop><action><exec play_pcap_audio="{file}"/></action></nop>'
                  f'<pause milliseconds="{lasts_ms + SLACK_MS}"/>')
    caller = players.write("capture.xml", CAPTURE_CALLER.replace("PLAY", execs))
    listener = players.write("listener.xml", LISTENER.replace("CHECK", 'rf_dtmf="1"'))
    problem, heard, _ = players.play("sipp plays a capture to load", ("load", ["-sf", listener]),
                                     ("sipp", ["-sf", caller, "-mp", "7000"]))
    if problem is not None:
        return problem
    # Ours are the same bytes at the same times.
    problem, again, own = players.play("load plays a capture to load", ("load", ["-sf", listener]),
                                       ("load", ["-sf", caller, "-mp", "16000"]))
    if problem is not None:
        return problem
    # What we leave out when the machine stalls, we say.
    wanted = [packets * CALLS, packets * CALLS - own["sent"]["skipped"]]
    counts = [media["received"]["packets"] for media in (heard, again)]
    return None if counts == wanted else f"SIPp's and ours: {counts} packets, wanted {wanted}"


def echo(players):
    """A pattern comes back from SIPp's one port for all calls, as it was sent."""
    play = '<nop><action><exec rtp_stream="apattern,3,8,PCMA/8000"/></action></nop>'
    caller = players.write("pattern.xml", CAPTURE_CALLER.replace("PLAY", play))
    problem, _, media = players.play("load hears sipp echo",
                                     ("sipp", ["-sn", "uas", "-rtp_echo", "-mp", "9000"]),
                                     ("load", ["-sf", caller, "-mp", "16000"]))
    if problem is not None:
        return problem
    received = media["received"]
    good = received["pattern_matched"] >= 90 * CALLS and received["pattern_differed"] == 0
    return None if good else f"echoed: {received}"


def main():
    if shutil.which("sipp") is None:
        print("skipped: there is no sipp (Debian: sip-tester)")
        return 77
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        players = Players(sys.argv[1], folder)
        cases = [(f"{client} talks with {server}",
                  lambda s=server, c=client: talking(players, s, c))
                 for server, client in (("load", "load"), ("load", "sipp"), ("sipp", "load"))]
        cases += [("IPv6", lambda: talking(players, "load", "load", "::1")),
                  ("inbound", lambda: talking(players, "load", "load",
                                              flow=("pbx-inbound", "connector-inbound")))]
        cases += [("captures", lambda: capture(players)), ("echo", lambda: echo(players))]
        for name, case in cases:
            for _ in range(TRIES):
                problem = case()
                if problem is None or not re.search(LIMITED, problem):
                    break
            print(f"{'ok  ' if problem is None else 'FAIL'} {name}", flush=True)
            if problem is not None:
                failures += 1
                print(problem, flush=True)
    print(f"{len(cases) - failures} passed, {failures} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
