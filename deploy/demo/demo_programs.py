"""The processes of the demo: how they are started, asked and ended."""

import ctypes
import json
import shutil
import signal
import socket
import string
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
SCENARIOS = HERE.parents[1] / "scenarios"
CUSTOMER, TRUNK, ADMIN = "127.0.0.2", "127.0.0.3", "127.0.0.1"  # The SBC, as sbc.yaml says.
LIFE_S = 60  # No generator outlives this, whatever goes wrong.
MEDIA_PORTS = 2500  # A pair for each of the calls that sbc.yaml allows, and a quarter that rests.

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1


class Failure(Exception):
    """Why the demo failed, in a few words."""


def free_port(ip, wanted=0, kind=socket.SOCK_DGRAM):
    """The wanted port of that address, or another one that is free."""
    for port in (wanted, 0):
        with socket.socket(socket.AF_INET, kind) as bound:
            try:
                bound.bind((ip, port))
            except OSError:
                continue
            return bound.getsockname()[1]
    raise Failure(f"{ip} has no free port")


def is_bound(ip, port):
    number = int.from_bytes(socket.inet_aton(ip), sys.byteorder)
    return f" {number:08X}:{port:04X} " in Path("/proc/net/udp").read_text()


def wait_for(what, condition, seconds=15):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Failure(f"{what}: not within {seconds} s")
        time.sleep(0.02)


class Programs:
    """Every process of the demo, in one folder. close() ends what still runs."""

    def __init__(self, programs):
        self.programs = Path(programs).resolve()
        self.folder = Path(tempfile.mkdtemp(prefix="ringfence-demo-"))
        self.running = []

    def start(self, name, program, arguments):
        path = self.programs / program
        if not path.exists():
            raise Failure(f"{path} is not built")
        with open(self.folder / f"{name}.out", "wb") as out:
            process = subprocess.Popen(
                [str(path), *map(str, arguments)], cwd=self.folder, stdin=subprocess.DEVNULL,
                stdout=out, stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for this script, which then ends the rest.
                preexec_fn=lambda: LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL))
        self.running.append(process)
        return process

    def output(self, name):
        return (self.folder / f"{name}.out").read_text(errors="replace")[-800:].strip()

    def close(self):
        for process in self.running:
            if process.poll() is None:
                process.kill()
            process.wait()
        self.running.clear()


def free_media_ports(ips):
    """A range of media ports whose first one nobody has at any of these addresses."""
    for first in range(20000, 32000, MEDIA_PORTS):
        try:
            for ip in ips:
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
                    bound.bind((ip, first))
            return f"{first}-{first + MEDIA_PORTS - 1}"
        except OSError:
            continue
    raise Failure("no range of media ports is free between 20000 and 32000")


class Generator:
    """One ringfence-load. `port` 0 is any: for those who only call."""

    def __init__(self, programs, name, scenario, ip, port=0, more=()):
        self.programs, self.name, self.ip, self.port = programs, name, ip, port
        self.json = programs.folder / f"{name}.json"
        self.process = programs.start(name, "ringfence-load", [
            "-sf", SCENARIOS / f"{scenario}.xml", "-i", ip, "-p", port or free_port(ip),
            "-timeout", f"{LIFE_S}s", "--json", self.json, *more])
        if port:
            wait_for(f"{name} listens", lambda: is_bound(ip, port) or self.ended())
        if self.ended():
            raise Failure(f"{name} ended at once: {programs.output(name)}")

    def ended(self):
        return self.process.poll() is not None

    def wait(self, seconds):
        try:
            self.process.wait(timeout=max(seconds, 0.1))
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.name} did not end") from None

    def summary(self):
        try:
            return json.loads(self.json.read_text())
        except (OSError, ValueError) as error:
            raise Failure(f"{self.name} left no summary ({error}): "
                          f"{self.programs.output(self.name)}") from None

    def count(self, what):
        """`created`, `successful`, `failed`, `retransmissions`."""
        return self.summary()["calls"][what]

    def failures(self, voice):
        """By name, how many calls failed: those whose voice alone did, or the others."""
        return {name: count for name, count in self.summary()["calls"]["failures"].items()
                if count and name.startswith("Media") == voice}

    def bad_voice(self):
        """Calls that went to their end, but heard other than the scenario wants."""
        return sum(self.failures(voice=True).values())

    def answered(self):
        """Calls that were answered and hung up, whatever was heard in them."""
        return self.count("successful") + self.bad_voice()


class Metrics:
    """What /metrics said at one moment."""

    def __init__(self, text):
        lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
        self.samples = {name: int(float(value)) for name, _, value in lines}

    def value(self, name):
        return self.samples.get(name, 0)

    def total(self, *words):
        """The sum of all samples whose name and labels hold each of these words."""
        return sum(value for name, value in self.samples.items() if all(w in name for w in words))


class Sbc:
    """The ringfence-sbc, ready when the constructor returns."""

    def __init__(self, programs, ports):
        self.programs = programs
        self.admin_port = ports["admin_port"]
        folder = programs.folder
        self.logs = folder / "logs"
        self.logs.mkdir(exist_ok=True)
        text = string.Template((HERE / "sbc.yaml").read_text()).substitute(ports)
        (folder / "sbc.yaml").write_text(text)
        shutil.copy(HERE / "termination.json", folder)
        origination = json.loads((HERE / "origination.json").read_text())
        self.routes = origination["Origination"]["Routes"]
        for route, port in zip(self.routes, (ports["pbx_a_port"], ports["pbx_b_port"])):
            route["Port"] = port
        (folder / "origination.json").write_text(json.dumps(origination, indent=4))
        self.process = programs.start("ringfence-sbc", "ringfence-sbc",
                                      ["--config", folder / "sbc.yaml"])
        wait_for("ringfence-sbc is ready", lambda: self.get("/readyz") or self.ended())
        if self.ended():
            raise Failure(programs.output("ringfence-sbc") or "ringfence-sbc ended at once")

    def ended(self):
        return self.process.poll() is not None

    def get(self, path):
        """What the admin interface answers; empty where it does not, or not with 200."""
        try:
            with urllib.request.urlopen(f"http://{ADMIN}:{self.admin_port}{path}",
                                        timeout=2) as answer:
                return answer.read().decode()
        except (urllib.error.URLError, OSError):
            return ""

    def metrics(self):
        return Metrics(self.get("/metrics"))

    def up(self):
        """The addresses that answer the SBC's probes."""
        status = self.get("/api/v1/status")
        return {route["host"] for route in json.loads(status)["routes"]
                if route["up"] and route["last_options_status"]} if status else set()

    def stop(self):
        self.process.terminate()
        try:
            code = self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            raise Failure("ringfence-sbc did not end") from None
        if code != 0:
            raise Failure(f"ringfence-sbc: exit {code}: {self.programs.output('ringfence-sbc')}")
