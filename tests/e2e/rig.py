"""What the end-to-end tests share: an SBC on loopback, other people's programs around it, and the
waiting for them. All addresses are 127.0.0.0/8 or ::1, which all sides of IPv6 share; all ports are
free ones, nothing asks the DNS, and what was started is ended, whatever happens: a child dies with
its test.
"""

import contextlib
import ctypes
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = ROOT / "scenarios"
SKIPPED = 77
CUSTOMER = "127.0.0.2"  # The SBC's own addresses, as its customers and its trunks see it.
TRUNK = "127.0.0.3"
START_S = 20
LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1


class Failure(Exception):
    """What was found, in words for whoever reads the test's output."""


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


def need(program, package):
    """The program's path; skips the test where it is not installed."""
    path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if path is None:
        skip(f"there is no {program} (Debian: {package})")
    return path


def own_program(name):
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} FOLDER_OF_PROGRAMS")
    program = Path(sys.argv[1]).resolve() / name
    if not program.exists():
        skip(f"{program} is not built")
    return str(program)


def sbc_program():
    return own_program("ringfence-sbc")


def family_of(ip):
    return socket.AF_INET6 if ":" in ip else socket.AF_INET


def host_port(ip, port):
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"


def free_port(ip, kind=socket.SOCK_DGRAM):
    """A port that nobody has at that address, and that this function has not given out before."""
    while True:
        with socket.socket(family_of(ip), kind) as bound:
            bound.bind((ip, 0))
            port = bound.getsockname()[1]
        if (ip, port) not in free_port.given:
            free_port.given.add((ip, port))
            return port


free_port.given = set()


def free_block(ip, count):
    """`count` ports in a row, an even one first, as "first-last". They lie below those that the
    kernel gives out, so no program of this test has drawn one.
    """
    for first in random.sample(range(10000, 30000, count), k=200):
        if any((ip, port) in free_port.given for port in range(first, first + count)):
            continue
        try:
            with contextlib.ExitStack() as sockets:
                for port in range(first, first + count):
                    bound = sockets.enter_context(
                        socket.socket(family_of(ip), socket.SOCK_DGRAM))
                    bound.bind((ip, port))
        except OSError:
            continue
        free_port.given.update((ip, port) for port in range(first, first + count))
        return f"{first}-{first + count - 1}"
    raise Failure(f"{ip} has no {count} free ports in a row")


def wait_for(what, condition, seconds=START_S, alive=None):
    """Polls until the condition holds. `alive`: a process whose end is the end of waiting."""
    deadline = time.monotonic() + seconds
    while not condition():
        if alive is not None and alive.poll() is not None:
            raise Failure(f"{what}: the program ended first, with {alive.returncode}")
        if time.monotonic() > deadline:
            raise Failure(f"{what}: not within {seconds} s")
        time.sleep(0.02)


def is_bound(ip, port):
    """Whether a UDP socket has that address, as the kernel tells."""
    packed = socket.inet_pton(family_of(ip), ip)
    words = (int.from_bytes(packed[i:i + 4], sys.byteorder) for i in range(0, len(packed), 4))
    wanted = f" {''.join(f'{word:08X}' for word in words)}:{port:04X} "
    return wanted in Path("/proc/net/udp6" if ":" in ip else "/proc/net/udp").read_text()


def _die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def kill_group(process):
    """Kills a program and what it started, which may outlive it."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


class Rig:
    """The processes of one test, in a folder of their own.

    Use: `with Rig() as rig:`. At the end each is killed that still runs, and the folder is gone.
    """

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="ringfence-e2e-"))
        self.processes = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            kill_group(process)
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, name, command, environment=None):
        """Starts a program whose output goes to `name`.out in the folder."""
        with open(self.folder / f"{name}.out", "wb") as out:
            process = subprocess.Popen(
                [str(word) for word in command], cwd=self.folder, stdin=subprocess.DEVNULL,
                stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
                preexec_fn=_die_with_parent,
                env=dict(os.environ, TERM="xterm", **(environment or {})))
        process.name = name
        self.processes.append(process)
        return process

    def output(self, process, characters=1500):
        text = (self.folder / f"{process.name}.out").read_text(errors="replace")
        return text[-characters:]

    def wait(self, process, seconds):
        """The exit code; a program that does not end is killed, and that is a failure."""
        try:
            return process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            kill_group(process)
            process.wait()
            raise Failure(f"{process.name} did not end in {seconds} s:\n"
                          f"{self.output(process)}") from None


class Sipp:
    """One SIPp process that plays one of scenarios/ (or a file of the test's own)."""

    KIND = "sipp"

    def __init__(self, rig, scenario, ip, calls, more=(), port=None):
        self.rig, self.scenario, self.ip, self.calls = rig, str(scenario), ip, calls
        self.port = port or free_port(ip)
        path = SCENARIOS / f"{scenario}.xml" if isinstance(scenario, str) else scenario
        name = f"{self.KIND}-{path.stem}-{self.port}"
        self.errors = rig.folder / f"{name}.errors"
        self.messages = rig.folder / f"{name}.messages"
        self.process = rig.start(name, [
            self.program(), "-sf", path, "-i", ip, "-p", self.port, "-m", calls,
            "-nostdin", "-timeout", "40s", "-timeout_error", "-trace_err", "-error_file",
            self.errors, "-trace_msg", "-message_file", self.messages, *more])

    def program(self):
        return need("sipp", "sip-tester")

    def wait_bound(self):
        wait_for(f"{self.process.name} listens", lambda: is_bound(self.ip, self.port),
                 alive=self.process)

    def finish(self, seconds=60):
        """Raises unless every call was as the scenario says."""
        code = self.rig.wait(self.process, seconds)
        if code != 0:
            said = self.errors.read_text(errors="replace") if self.errors.exists() else ""
            raise Failure(f"{self.process.name}: exit {code}; {said.strip()[:1500]}")


class Load(Sipp):
    """One ringfence-load in a SIPp's place; it takes the same options."""

    KIND = "load"

    def program(self):
        return own_program("ringfence-load")


class Sbc:
    """One ringfence-sbc: started when made, ready when the constructor returns.

    `connectors` and `more` are parts of the configuration (JSON is YAML).
    """

    def __init__(self, rig, connectors, more=None, customer=CUSTOMER, trunk=TRUNK):
        self.rig = rig
        self.program = sbc_program()
        self.customer, self.trunk = customer, trunk
        self.customer_port = free_port(customer)
        self.trunk_port = free_port(trunk)
        self.admin_port = free_port("127.0.0.1", socket.SOCK_STREAM)
        self.logs = rig.folder / "logs"
        self.logs.mkdir()
        config = {
            "node": {"name": "e2e"},
            "listeners": [
                {"side": "customer", "address": customer, "port": self.customer_port},
                {"side": "trunk", "address": trunk, "port": self.trunk_port},
            ],
            "connectors": connectors,
            # SIPp's -m takes a probe for a call.
            "failover": {"options_interval": "0s"},
            "dns": {"servers": ["127.0.0.1:9"]},  # Nothing here has a name to look up.
            "drain_timeout": "2s",
            "admin": {"address": "127.0.0.1", "port": self.admin_port},
            "logs": {"directory": str(self.logs)},
        }
        config.update(more or {})
        path = rig.folder / "sbc.yaml"
        path.write_text(json.dumps(config, indent=1))
        self.process = rig.start("ringfence-sbc", [self.program, "--config", path])
        try:
            wait_for("ringfence-sbc is ready", self.is_ready, alive=self.process)
        except Failure as failure:
            raise Failure(f"{failure}\n{rig.output(self.process)}") from None

    def get(self, path):
        """Status and text, or 0 where nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.admin_port}{path}",
                                        timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def is_ready(self):
        return self.get("/readyz")[0] == 200

    def metrics(self):
        """Every sample by its name and labels: {'ringfence_calls': 0.0, ...}."""
        lines = self.get("/metrics")[1].splitlines()
        return {name: float(value) for name, _, value in
                (line.rpartition(" ") for line in lines if line and not line.startswith("#"))}

    def wait_idle(self):
        wait_for("the SBC has ended every call", lambda: self.metrics().get("ringfence_calls") == 0)

    def stop(self):
        """SIGTERM; raises unless it ends well."""
        self.process.terminate()
        if (code := self.rig.wait(self.process, 15)) != 0:
            raise Failure(f"ringfence-sbc: exit {code}\n{self.rig.output(self.process)}")

    def calls(self):
        """The lines of calls.log, each a dict of its words."""
        word = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)')
        text = (self.logs / "calls.log").read_text()
        return [{key: value.strip('"') for key, value in word.findall(line)}
                for line in text.splitlines()]

    def cdrs(self):
        return [json.loads(line) for line in (self.logs / "cdr.jsonl").read_text().splitlines()]


def cidr(ip):
    return f"{ip}/{128 if ':' in ip else 32}"


def connector(number, trunk, routes, customers, regions=("US",)):
    """A connector with the seed's shapes. `trunk` and `routes` are (address, port); its id is of
    the length and the letters of Amazon's.
    """
    return {
        "id": f"dr3rbaar376u5r4ntcn{number:03d}",
        "trunk": {"host": trunk[0], "port": trunk[1], "cidrs": [cidr(trunk[0])]},
        "termination": {"Termination": {
            "CpsLimit": 0, "CallingRegions": list(regions),
            "CidrAllowedList": [cidr(ip) for ip in customers], "Disabled": False}},
        "origination": {"Origination": {
            "Routes": [{"Host": ip, "Port": port, "Protocol": "UDP", "Priority": 1, "Weight": 1}
                       for ip, port in routes],
            "Disabled": False}},
    }


def run(test):
    """Runs a test's function and turns what it raises into an exit code."""
    try:
        test()
    except Failure as failure:
        print(f"FAIL: {failure}")
        sys.exit(1)
    print("ok")
