"""ringfence-sbc and sipp as child processes, for the e2e tests: addresses on loopback, ports that
are free, and waits that end when something happens and not when a time is over."""

import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

SKIP = 77
PATIENCE = 20.0  # Seconds until something that must happen is called missing.
CUSTOMER_SIDE, TRUNK_SIDE = "127.0.0.2", "127.0.0.3"  # The SBC's own addresses.
PBX, TRUNK = "127.0.0.4", "127.0.0.5"
CONNECTOR = "dr3rbaar376u5r4ntcnlq4"


def skip_without_sipp():
    if shutil.which("sipp") is None:
        print("skipped: sipp is not installed (Debian: sip-tester)")
        sys.exit(SKIP)


def free_port(address, kind=socket.SOCK_DGRAM):
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((address, 0))
        return probe.getsockname()[1]


def wait_for(what, condition):
    """The condition's first value that is true."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"not within {PATIENCE:.0f} s: {what}")


class Ports:
    def __init__(self):
        self.customer_side = free_port(CUSTOMER_SIDE)
        self.trunk_side = free_port(TRUNK_SIDE)
        self.pbx = free_port(PBX)
        self.trunk = free_port(TRUNK)
        self.admin = free_port("127.0.0.1", socket.SOCK_STREAM)


def configuration(ports, folder, **changes):
    """A node between PBX and TRUNK, as a dict that is written as JSON, which is YAML too."""
    connector = {
        "id": CONNECTOR, "region": "us-east-1", "account_id": "111122223333",
        "trunk": {"host": TRUNK, "port": ports.trunk, "cidrs": [TRUNK + "/32"]},
        "termination": {"CpsLimit": 0, "CallingRegions": ["US"]},
        "customers": [{"cidrs": [PBX + "/32"]}],
        "routes": [{"host": PBX, "port": ports.pbx}],
    }
    connector.update(changes.pop("connector", {}))
    config = {
        "node": {"name": "e2e", "workers": 1},
        "limits": {"calls": 100},
        "listeners": [
            {"side": "customer", "address": CUSTOMER_SIDE, "port": ports.customer_side},
            {"side": "trunk", "address": TRUNK_SIDE, "port": ports.trunk_side}],
        "connectors": [connector],
        "failover": {"options_interval": "0s"},
        "drain_timeout": "60s",
        "admin": {"address": "127.0.0.1", "port": ports.admin},
        "logs": {"directory": str(folder)},
    }
    config.update(changes)
    return config


class Node:
    """One ringfence-sbc, up to its end."""

    def __init__(self, binaries, folder, config, name="sbc", prefix=()):
        self.binary = str(Path(binaries) / "ringfence-sbc")
        self.folder = Path(folder)
        self.path = self.folder / f"{name}.yaml"
        self.log_path = self.folder / f"{name}.err"
        self.admin = config["admin"]["port"]
        self.write(config)
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen([*prefix, self.binary, "--config", str(self.path)],
                                            stderr=log, stdin=subprocess.DEVNULL)

    def write(self, config):
        self.path.write_text(config if isinstance(config, str) else json.dumps(config, indent=1))

    def log(self):
        return self.log_path.read_text(errors="replace")

    def events(self, name):
        return [line for line in self.log().splitlines() if f" event={name}" in line]

    def wait_for_event(self, name, count=1):
        def seen():
            if self.process.poll() is not None and len(self.events(name)) < count:
                raise AssertionError(f"the node ended without {name}:\n{self.log()}")
            return len(self.events(name)) >= count
        wait_for(f"event={name} in\n{self.log()}", seen)
        return self.events(name)[-1]

    def get(self, path):
        """Status and body."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.admin}{path}", timeout=10) as got:
                return got.status, got.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metric(self, series):
        """The value of one series of /metrics; 0 where it is not there (yet)."""
        for line in self.get("/metrics")[1].splitlines():
            name, _, value = line.rpartition(" ")
            if name == series:
                return float(value)
        return 0.0

    def cdrs(self):
        path = self.folder / "cdr.jsonl"
        text = path.read_text() if path.exists() else ""
        return [json.loads(line) for line in text.splitlines()]

    def wait_for_cdrs(self, count):
        wait_for(f"{count} CDRs", lambda: len(self.cdrs()) >= count)
        return self.cdrs()

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self):
        return self.process.wait(timeout=PATIENCE)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Sipp:
    """One sipp; `scenario` is one of its own, as "uac"."""

    def __init__(self, folder, scenario, address, port, arguments=()):
        self.output = Path(folder) / f"sipp-{scenario}-{address}-{port}.out"
        with open(self.output, "ab") as output:
            self.process = subprocess.Popen(
                ["sipp", "-sn", scenario, "-i", address, "-p", str(port), "-nostdin",
                 "-timeout", "60s", *arguments],
                stdout=output, stderr=output, stdin=subprocess.DEVNULL, cwd=folder)
        if scenario == "uas":
            wait_for("sipp's socket", lambda: self.process.poll() is not None or
                     not can_bind(address, port))

    def wait(self):
        return self.process.wait(timeout=60)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def can_bind(address, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True
