"""The programs that stand between the caller and the callee: the floor stub, the SBC, Kamailio.

Each is started once, on the measured core, at addresses of its own, and is asked for its CPU time
around every sample. `caller` and `callee` are the generators' (address, port).
"""

import json
import shutil
import socket
import string
import urllib.error
import urllib.request

from bench_generators import CALLED, HERE
from bench_process import cpu_ns, free_port, is_bound, wait_until

CALLER_SIDE = "127.0.0.2"
CALLEE_SIDE = "127.0.0.3"
LATENCY_BUDGET_US = 1000  # The floor's and the SBC's waiting rule.
SHARED_MEMORY_MB = 4096   # Kamailio's; as much as it may want.
BUFFER_BYTES = 4194304


class Subject:
    """`target` is where the caller sends."""

    def __init__(self, name, process, target):
        self.name, self.process, self.target = name, process, target
        self.pids = process.family()

    def cpu_ns(self):
        return cpu_ns(self.pids)


def start_floor(rig, binaries, _caller, callee):
    near = (CALLER_SIDE, free_port(CALLER_SIDE))
    far = (CALLEE_SIDE, free_port(CALLEE_SIDE))
    process = rig.start("floor_stub", [
        binaries / "floor_stub", *(f"{ip}:{port}" for ip, port in (near, far, callee)),
        LATENCY_BUDGET_US], rig.measured_core)
    wait_until("floor_stub is ready", lambda: is_bound(*far), process)
    return Subject("floor", process, near)


POLL = "poll"  # For a budget: never to sleep.


def start_sbc(rig, binaries, caller, callee, budget_us=LATENCY_BUDGET_US, media_ports=None,
              more=None, before=()):
    """As shipped, with call lines and CDRs; a Voice Connector's call to a PBX by a weighted route.

    Limits are raised to what lingers for 32 s at these rates; probes of the route are off, as the
    callee plays one scenario (a probe each 30 s is no cost). `media_ports`: a range on both sides,
    as the configuration writes it; without it signalling only. `more`: further keys of the
    configuration. `before`: what to run the program with.
    """
    near = (CALLER_SIDE, free_port(CALLER_SIDE))
    far = (CALLEE_SIDE, free_port(CALLEE_SIDE))
    admin = free_port("127.0.0.1", socket.SOCK_STREAM)
    logs = rig.folder / "logs"
    logs.mkdir(exist_ok=True)
    config = {
        "node": {"name": "bench"} | ({"poll": True} if budget_us == POLL else
                                     {"latency_budget": f"{budget_us}us"}),
        "limits": {"calls": 100_000, "transactions": 1_000_000},
        "listeners": [
            {"side": "trunk", "address": near[0], "port": near[1]},
            {"side": "customer", "address": far[0], "port": far[1]},
        ],
        "connectors": [{
            "id": "dr3rbaar376u5r4ntcnlq4",
            "trunk": {"host": caller[0], "port": caller[1], "cidrs": [f"{caller[0]}/32"]},
            "termination": {"Termination": {
                "CpsLimit": 0, "CallingRegions": ["US"],
                "CidrAllowedList": [f"{callee[0]}/32"], "Disabled": False}},
            "origination": {"Origination": {"Disabled": False, "Routes": [
                {"Host": callee[0], "Port": callee[1], "Protocol": "UDP", "Priority": 1,
                 "Weight": 1}]}},
            "phone_numbers": [CALLED],
        }],
        "failover": {"options_interval": "0s"},
        "dns": {"servers": ["127.0.0.1:9"]},
        "drain_timeout": "1s",
        "admin": {"address": "127.0.0.1", "port": admin},
        "logs": {"directory": str(logs)},
    }
    if media_ports:
        config["limits"] = {"calls": 2000}  # Transactions by the program's own rule for as many.
        config["media"] = [{"side": "trunk", "address": near[0], "ports": media_ports},
                           {"side": "customer", "address": far[0], "ports": media_ports}]
    config |= more or {}
    path = rig.folder / "sbc.yaml"
    path.write_text(json.dumps(config, indent=1))
    process = rig.start("ringfence-sbc", [*before, binaries / "ringfence-sbc", "--config", path],
                        rig.measured_core)

    def is_ready():
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{admin}/readyz", timeout=2) as answer:
                return answer.status == 200
        except (OSError, urllib.error.HTTPError):
            return False

    wait_until("ringfence-sbc is ready", is_ready, process)
    return Subject("ringfence-sbc", process, near)


def start_kamailio(rig, _binaries, caller, callee):
    """None where it is not installed."""
    program = shutil.which("kamailio", path="/usr/sbin:/sbin:/usr/bin:/usr/local/sbin")
    if program is None:
        return None
    at = (CALLER_SIDE, free_port(CALLER_SIDE))
    folder = rig.folder / "kamailio"
    folder.mkdir()
    (folder / "dispatcher.list").write_text(
        f"1 sip:{callee[0]}:{callee[1]} 0 0 weight=100\n")
    (folder / "address.list").write_text(f"1 {caller[0]} 32 0\n1 {callee[0]} 32 0\n")
    template = string.Template((HERE / "kamailio.cfg").read_text())
    config = folder / "kamailio.cfg"
    config.write_text(template.substitute(address=at[0], port=at[1], folder=folder))
    process = rig.start("kamailio", [
        program, "-f", config, "-DD", "-E", "-x", "tlsf", "-m", SHARED_MEMORY_MB, "-M", "64",
        "-b", BUFFER_BYTES, "-Y", folder, "-w", folder], rig.measured_core)
    wait_until("kamailio listens", lambda: is_bound(*at), process)
    return Subject("kamailio", process, at)
