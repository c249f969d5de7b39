#!/usr/bin/env python3
"""The generator against other people's: SIPp makes calls to ringfence-load and answers its calls.

    tests/e2e/loadgen_sipp_test.py BIN      BIN holds ringfence-load; exits 77 without SIPp

Each case is two processes on loopback, on ports that were free a moment ago: a server, and a client
that makes a few calls to it. Both must say, by SIPp's exit codes, that every call succeeded. The
scenario files of this project are played by each pair of the two programs, so that SIPp judges that
they are SIPp's language, and that ringfence-load means by it what SIPp means.
"""

import concurrent.futures
import json
import os
import pty
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SCENARIOS = ROOT / "scenarios"
HOST = "127.0.0.1"
CALLS = 4
CASE_SECONDS = 60  # No case takes a third of it; a machine that is busy elsewhere may.
AT_ONCE = 6

# Server, client.
FILE_PAIRS = [
    ("pbx-inbound", "connector-inbound"),
    ("pbx-inbound-busy", "connector-inbound-busy"),
    ("pbx-inbound-no-answer", "connector-inbound-no-answer"),
    ("pbx-inbound-reject", "connector-inbound-reject"),
    ("pbx-inbound-cancelled", "connector-inbound-cancel"),
    ("pbx-inbound-reinvite", "connector-inbound-reinvite"),
    ("pbx-inbound-bye", "connector-inbound-callee-bye"),
    ("connector-outbound", "pbx-outbound"),
    ("connector-outbound-busy", "pbx-outbound-busy"),
    ("connector-outbound-no-answer", "pbx-outbound-no-answer"),
    ("connector-outbound-reject", "pbx-outbound-reject"),
    ("connector-outbound-cancelled", "pbx-outbound-cancel"),
    ("connector-outbound-reinvite", "pbx-outbound-reinvite"),
    ("connector-outbound-bye", "pbx-outbound-callee-bye"),
    ("pbx-inbound-hold", "connector-inbound-callee-hold"),
    ("connector-outbound-refresh", "pbx-outbound-callee-refresh"),
]
BUILTIN_PAIRS = [("uas", "uac"), ("uas", "regexp"), ("branchs", "branchc")]

OPTIONS_CLIENT = """<?xml version="1.0"?>
<scenario name="OPTIONS">
  <send retrans="500"><![CDATA[
    OPTIONS sip:[remote_ip]:[remote_port] SIP/2.0
    Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
    From: <sip:prober@[local_ip]>;tag=[call_number]
    To: <sip:[remote_ip]>
    Call-ID: [call_id]
    CSeq: 1 OPTIONS
    Max-Forwards: 70
    Content-Length: 0
  ]]></send>
  <recv response="200"/>
</scenario>
"""

OPTIONS_SERVER = """<?xml version="1.0"?>
<scenario name="OPTIONS answered">
  <recv request="OPTIONS"/>
  <send><![CDATA[
    SIP/2.0 200 OK
    [last_Via:]
    [last_From:]
    [last_To:];tag=[call_number]
    [last_Call-ID:]
    [last_CSeq:]
    Content-Length: 0
  ]]></send>
</scenario>
"""


def free_port():
    """A UDP port of loopback that nobody has now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def wait_bound(port, process):
    """Until somebody has the port, or the process has ended."""
    wanted = f":{port:04X}"
    for _ in range(400):
        lines = Path("/proc/net/udp").read_text().splitlines()[1:]
        if any(line.split()[1].endswith(wanted) for line in lines) or process.poll() is not None:
            return
        time.sleep(0.025)


class Runner:
    def __init__(self, bin_folder, folder):
        self.load = str(Path(bin_folder) / "ringfence-load")
        self.folder = Path(folder)

    def start(self, program, arguments, tag):
        """Starts ringfence-load or sipp in a folder of its own, where SIPp leaves its files."""
        folder = self.folder / tag
        folder.mkdir(parents=True)
        own = [self.load] if program == "load" else ["sipp", "-nostdin"]
        log = open(folder / "output", "wb")
        return subprocess.Popen(
            own + arguments + ["-i", HOST, "-trace_err"], cwd=folder, stdout=log,
            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env={**os.environ, "TERM": "dumb"})

    def pair(self, name, server, client, calls=CALLS):
        """Runs a case; returns what went wrong, or nothing."""
        port, client_port = free_port(), free_port()
        tag = name.replace(" ", "_").replace("/", "_")
        processes = [self.start(server[0], server[1] + ["-p", str(port), "-m", str(calls)],
                                tag + "/server")]
        wait_bound(port, processes[0])
        processes.append(self.start(
            client[0],
            [f"{HOST}:{port}"] + client[1] + ["-p", str(client_port), "-m", str(calls), "-r", "20"],
            tag + "/client"))
        codes = finish(processes)
        if codes == [0, 0]:
            return None
        return f"server {codes[0]}, client {codes[1]}\n" + self.logs(tag)

    def logs(self, tag):
        text = ""
        for file in sorted((self.folder / tag).rglob("*")):
            if file.is_file():
                text += f"--- {file.name} of {file.parent.name}\n"
                text += file.read_bytes()[-3000:].decode("utf-8", "replace")
        return text


def finish(processes):
    deadline = time.monotonic() + CASE_SECONDS
    for process in processes:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return [process.returncode for process in processes]


def file_cases(runner):
    for server, client in FILE_PAIRS:
        for server_program, client_program in (("load", "load"), ("sipp", "load"),
                                               ("load", "sipp")):
            name = f"{client_program} {client} to {server_program} {server}"
            yield name, lambda n=name, s=(server_program, server), c=(client_program, client): (
                runner.pair(n, (s[0], ["-sf", str(SCENARIOS / f"{s[1]}.xml")]),
                            (c[0], ["-sf", str(SCENARIOS / f"{c[1]}.xml")])))


def builtin_cases(runner):
    for server, client in BUILTIN_PAIRS:
        for server_program, client_program in (("load", "load"), ("sipp", "load"),
                                               ("load", "sipp")):
            name = f"{client_program} -sn {client} to {server_program} -sn {server}"
            yield name, lambda n=name, s=(server_program, server), c=(client_program, client): (
                runner.pair(n, (s[0], ["-sn", s[1]]), (c[0], ["-sn", c[1]])))


def out_of_call(runner, caller, prober):
    """While `caller` has a call with a server, `prober` asks it OPTIONS: -oocsn answers."""
    tag = f"{prober}_OPTIONS_to_{caller}"
    port, client_port = free_port(), free_port()
    scenario = runner.folder / f"{tag}.xml"
    scenario.write_text(OPTIONS_CLIENT)
    server = runner.start("load", ["-sn", "uas", "-p", str(port), "-m", "1"], tag + "/server")
    wait_bound(port, server)
    client = runner.start(
        caller, [f"{HOST}:{port}", "-sn", "uac", "-oocsn", "ooc_default", "-m", "1", "-d", "3000",
                 "-p", str(client_port)], tag + "/client")
    wait_bound(client_port, client)
    probe = runner.start(prober, [f"{HOST}:{client_port}", "-sf", str(scenario), "-m", "3",
                                  "-p", str(free_port())], tag + "/prober")
    codes = finish([probe, client, server])
    return None if codes == [0, 0, 0] else f"prober, client, server: {codes}\n" + runner.logs(tag)


def wants_code(runner, name, arguments, wanted, number=None):
    """The exit code, by the table of SIPp's; with a signal, which comes again and again."""
    tag = name.replace(" ", "_")
    process = runner.start("load", arguments, tag)
    if number is not None:
        output = runner.folder / tag / "output"
        while process.poll() is None and b"calls " not in output.read_bytes():
            time.sleep(0.025)  # It says so once it listens to signals.
        for _ in range(400):
            if process.poll() is not None:
                break
            process.send_signal(number)
            time.sleep(0.05)
    code = finish([process])[0]
    return None if code == wanted else f"exit code {code}, wanted {wanted}\n" + runner.logs(tag)


def taken_port(runner):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((HOST, 0))
        port = taken.getsockname()[1]
        return wants_code(runner, "a taken port", ["-sn", "uas", "-p", str(port)], 254)


def json_report(runner):
    """What --json says of a run is what happened in it."""
    port = free_port()
    report = runner.folder / "report.json"
    server = runner.start("sipp", ["-sn", "uas", "-p", str(port), "-m", "5"], "json/server")
    wait_bound(port, server)
    client = runner.start("load", [f"{HOST}:{port}", "-m", "5", "-r", "50", "--json", str(report),
                                   "-trace_stat", "-stf", str(runner.folder / "stat.csv")],
                          "json/client")
    if finish([client, server]) != [0, 0]:
        return runner.logs("json")
    run = json.loads(report.read_text())
    steps = {step["name"]: step["messages"] for step in run["steps"]}
    problems = []
    for what, got, wanted in [
            ("successful", run["calls"]["successful"], 5), ("failed", run["calls"]["failed"], 0),
            ("INVITEs", steps.get("send INVITE"), 5), ("sent", run["messages"]["sent"], 15),
            ("response times", run["response_times"]["1"]["from_sent_us"]["count"], 5),
            ("planned", run["rate"]["planned"], 5), ("exit code", run["exit_code"], 0)]:
        if got != wanted:
            problems.append(f"{what}: {got}, wanted {wanted}")
    lines = (runner.folder / "stat.csv").read_text().splitlines()
    columns, values = lines[0].split(";"), lines[-1].split(";")
    row = dict(zip(columns, values))
    if len(columns) != len(values) or row.get("SuccessfulCall(C)") != "5":
        problems.append(f"the statistics file: {row}")
    return "\n".join(problems) or None


def limited_report(runner):
    """A generator that cannot keep up says so, and how many datagrams its socket dropped.

    Its socket has room for a few messages, and far more calls come due at once than a core starts
    in the time: both limits must show, and none of them in a slow run."""
    scenario = runner.folder / "limits.xml"
    scenario.write_text(OPTIONS_CLIENT)
    answers = runner.folder / "limits-answers.xml"
    answers.write_text(OPTIONS_SERVER)
    problems = []
    for rate, wanted in (("50", False), ("10000000", True)):
        port = free_port()
        tag = f"limits_{rate}"
        calls = "20" if not wanted else "60000"
        report = runner.folder / f"{tag}.json"
        server = runner.start("load", ["-sf", str(answers), "-p", str(port)], tag + "/server")
        wait_bound(port, server)
        client = runner.start("load", [
            f"{HOST}:{port}", "-sf", str(scenario), "-m", calls, "-l", calls, "-r", rate, "-nr",
            "-recv_timeout", "2000", "-buff_size", "4096", "--json", str(report)], tag + "/client")
        finish([client])
        server.send_signal(signal.SIGTERM)
        finish([server])
        try:
            limits = json.loads(report.read_text())["generator"]
        except (OSError, ValueError) as error:
            return f"{error}\n" + runner.logs(tag)
        if limits["limited"] != wanted and not wanted and limits["socket_queue_drops"] == 0:
            continue  # This machine stalled for 10 ms: that is an honest yes.
        if limits["limited"] != wanted or (wanted and limits["late_start_share"] < 0.5):
            problems.append(f"{rate}/s: {limits}")
        if wanted and limits["socket_queue_drops"] == 0:
            problems.append("no drops at a socket of 4 kB")
    return "\n".join(problems) or None


def full_disk(runner):
    """A full disk: the calls go on, the summary says what is missing, and a file of results that is
    not whole is exit code 255; a trace is no result."""
    problems = []
    for options, wanted, words in (
            (["-trace_stat", "-stf", "/dev/full"], 255, "255: the statistics file is not whole"),
            (["--json", "/dev/full"], 255, "--json /dev/full: cannot be written"),
            (["-trace_msg", "-message_file", "/dev/full"], 0, "could not write")):
        port, name = free_port(), f"full{options[0]}"
        server = runner.start("load", ["-sn", "uas", "-p", str(port), "-m", "2"], f"{name}/server")
        wait_bound(port, server)
        report = runner.folder / f"{name}.json"
        client = runner.start("load", [f"{HOST}:{port}", "-m", "2", "--json", str(report),
                                       *options], f"{name}/client")
        codes = finish([client, server])
        said = (runner.folder / name / "client" / "output").read_text()
        told = json.loads(report.read_text())["exit_code"] if report.exists() else wanted
        if codes != [wanted, 0] or told != wanted or words not in said:
            problems.append(f"{options}: {codes}, JSON's {told}\n{said}")
    return "\n".join(problems) or None


def lines_of_users(runner):
    """A file of users' lines: what is wrong with it is said where people and scripts look."""
    lines, report = runner.folder / "users.csv", runner.folder / "users.json"
    lines.write_text("USER\nalice\nbob\n")
    problems = []
    for options, wanted, words in (
            ([], 0, "without -users its fields are empty"),
            (["-users", "3"], 255, "users.csv has only 2 lines, and user 3 wants one")):
        port, name = free_port(), f"users{len(options)}"
        server = runner.start("load", ["-sn", "uas", "-p", str(port)], f"{name}/server")
        wait_bound(port, server)
        client = runner.start("load", [f"{HOST}:{port}", "-m", "3", "-inf", str(lines),
                                       "--json", str(report), *options], f"{name}/client")
        code = finish([client])[0]
        server.send_signal(signal.SIGTERM)
        finish([server])
        said = (runner.folder / name / "client" / "output").read_text()
        told = json.loads(report.read_text())
        if code != wanted or told["exit_code"] != wanted or said.count(words) != (2 if code else 1):
            problems.append(f"{options}: {code}, JSON's {told['exit_code']}\n{said}")
        if code and words not in told.get("why", ""):
            problems.append(f"{options}: JSON says why: {told.get('why')}")
    return "\n".join(problems) or None


def timeout_lets_calls_end(runner):
    """-timeout opens no more calls and waits for those that are open, as SIPp does."""
    port, report = free_port(), runner.folder / "timeout.json"
    server = runner.start("sipp", ["-sn", "uas", "-p", str(port)], "timeout/server")
    wait_bound(port, server)
    client = runner.start("load", [f"{HOST}:{port}", "-r", "5", "-d", "2500", "-timeout", "1",
                                   "--json", str(report)], "timeout/client")
    code = finish([client])[0]
    server.kill()
    server.wait()
    calls = json.loads(report.read_text())["calls"] if report.exists() else {}
    if code == 0 and calls.get("failed") == 0 and calls.get("successful", 0) >= 5:
        return None
    return f"exit code {code}, {calls}\n" + runner.logs("timeout")


def peer_dies(runner):
    """The server is killed in mid run: the calls fail, by name, and the run comes to its end."""
    port, report = free_port(), runner.folder / "dies.json"
    server = runner.start("sipp", ["-sn", "uas", "-p", str(port)], "dies/server")
    wait_bound(port, server)
    client = runner.start("load", [f"{HOST}:{port}", "-r", "20", "-m", "40", "-max_retrans", "2",
                                   "-recv_timeout", "5000", "--json", str(report)], "dies/client")
    time.sleep(1)
    server.kill()
    server.wait()
    code = finish([client])[0]
    run = json.loads(report.read_text()) if report.exists() else {}
    calls, messages = run.get("calls", {}), run.get("messages", {})
    good = (code == 1 and calls["successful"] >= 5 and calls["failures"]["MaxUDPRetrans"] >= 5
            and calls["successful"] + calls["failed"] == 40 and messages["icmp_errors"] > 0)
    return None if good else f"exit code {code}, {calls}, {messages}\n" + runner.logs("dies")


def background(runner):
    """-bg: the parent says the child's PID and ends with 99; the child does the work."""
    port, report = free_port(), runner.folder / "bg.json"
    parent = runner.start("load", ["-sn", "uas", "-p", str(port), "-m", "1", "-bg", "-timeout",
                                   "40", "--json", str(report)], "bg/server")
    code = finish([parent])[0]
    output = (runner.folder / "bg/server/output").read_text()
    wait_bound(port, subprocess.Popen(["sleep", "10"]))
    client = runner.start("load", [f"{HOST}:{port}", "-m", "1"], "bg/client")
    client_code = finish([client])[0]
    for _ in range(400):
        if report.exists() and report.stat().st_size > 0:
            break
        time.sleep(0.025)
    if code == 99 and client_code == 0 and "PID=[" in output and report.exists():
        return None
    return f"parent {code}, client {client_code}\n" + runner.logs("bg")


def keys(runner):
    """Keys of a terminal change the pace and end the run; the terminal is itself again then."""
    port, report = free_port(), runner.folder / "keys.json"
    server = runner.start("sipp", ["-sn", "uas", "-p", str(port)], "keys/server")
    wait_bound(port, server)
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(runner.folder)
        os.execv(runner.load, [runner.load, f"{HOST}:{port}", "-r", "1", "-i", HOST,
                               "--json", str(report)])
    before = termios.tcgetattr(terminal)[3]
    screen, presses, deadline = b"", [b"q", b"**x+"], time.monotonic() + CASE_SECONDS
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                screen += os.read(terminal, 4096)
            except OSError:  # The child has gone.
                break
        # "3 s: 45 calls (20.9/s)": the keys had an effect.
        if presses and (b"keys:" if len(presses) == 2 else b"(2") in screen:
            os.write(terminal, presses.pop())
    after = termios.tcgetattr(terminal)[3]
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    server.kill()
    server.wait()
    rate = json.loads(report.read_text())["rate"]["asked_per_s"] if report.exists() else None
    if code == 0 and rate == 22 and before == after and before & termios.ECHO:
        return None
    return f"exit code {code}, rate {rate}, terminal {before:x} {after:x}\n{screen.decode()}"


def other_cases(runner):
    yield "OPTIONS from sipp to load in a call", lambda: out_of_call(runner, "load", "sipp")
    yield "OPTIONS from load to sipp in a call", lambda: out_of_call(runner, "sipp", "load")
    yield "--json and -trace_stat", lambda: json_report(runner)
    yield "a taken port", lambda: taken_port(runner)
    yield "generator limited, yes and no", lambda: limited_report(runner)
    yield "a full disk", lambda: full_disk(runner)
    yield "lines of users", lambda: lines_of_users(runner)
    yield "-timeout lets calls end", lambda: timeout_lets_calls_end(runner)
    yield "a server that dies", lambda: peer_dies(runner)
    yield "-bg", lambda: background(runner)
    yield "keys", lambda: keys(runner)
    server = ["-sn", "uas", "-p"]
    for name, arguments, code, number in [
            ("help", ["-h"], 99, None),
            ("version", ["-v"], 99, None),
            ("a scenario dumped", ["-sd", "uac"], 99, None),
            ("an option that is none", ["-nonsense"], 255, None),
            ("a file that is none", ["-sf", "/nonexistent", HOST], 255, None),
            ("a folder", ["-sf", "/", HOST], 255, None),
            ("a folder of values", ["-inf", "/", HOST], 255, None),
            ("a variable that is none", [HOST, "-set", "none", "1"], 255, None),
            ("a statistics file nowhere",
             [*server, str(free_port()), "-trace_stat", "-stf", "/nonexistent/a.csv"], 255, None),
            ("a JSON file nowhere",
             [*server, str(free_port()), "-json", "/nonexistent/a.json"], 255, None),
            ("a client without a server to call", ["-sn", "uac"], 255, None),
            ("a timeout", [*server, str(free_port()), "-timeout", "1"], 97, None),
            ("a timeout that is an error",
             [*server, str(free_port()), "-timeout", "1", "-timeout_error"], 255, None),
            ("nobody answers", [f"{HOST}:9", "-m", "1", "-max_invite_retrans", "1"], 1, None),
            ("SIGUSR1 lets it end", [*server, str(free_port())], 0, signal.SIGUSR1),
            ("SIGTERM ends it", [*server, str(free_port())], 0, signal.SIGTERM),
            ("SIGINT twice does not wait", [f"{HOST}:9", "-r", "1"], 1, signal.SIGINT)]:
        yield name, lambda n=name, a=arguments, c=code, s=number: wants_code(runner, n, a, c, s)


def main():
    if shutil.which("sipp") is None:
        print("skipped: there is no sipp (Debian: sip-tester)")
        return 77
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        runner = Runner(Path(sys.argv[1]).resolve(), folder)
        cases = [*file_cases(runner), *builtin_cases(runner), *other_cases(runner)]
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            running = [(name, pool.submit(case)) for name, case in cases]
            for name, future in running:
                problem = future.result()
                print(f"{'ok  ' if problem is None else 'FAIL'} {name}", flush=True)
                if problem is not None:
                    failures += 1
                    print(problem, flush=True)
    print(f"{len(cases) - failures} passed, {failures} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
