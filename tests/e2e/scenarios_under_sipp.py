#!/usr/bin/env python3
"""Each scenario of scenarios/ runs under SIPp as it stands: every caller against its callee.

They are SIPp's language, and SIPp is the judge of that, not our own player. Five calls a pair over
loopback; each side must exit 0. Skipped (77) where there is no sipp.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"
CALLS = 5
DEADLINE_S = 60

PAIRS = [
    *((caller + variant, callee + variant)
      for caller, callee in (("connector-inbound", "pbx-inbound"),
                             ("pbx-outbound", "connector-outbound"))
      for variant in ("", "-busy", "-reject", "-no-answer", "-reinvite")),
    ("connector-inbound-callee-bye", "pbx-inbound-bye"),
    ("pbx-outbound-callee-bye", "connector-outbound-bye"),
    ("connector-inbound-callee-hold", "pbx-inbound-hold"),
    ("pbx-outbound-callee-refresh", "connector-outbound-refresh"),
    ("connector-inbound-cancel", "pbx-inbound-cancelled"),
    ("pbx-outbound-cancel", "connector-outbound-cancelled"),
]


def free_ports(count):
    """Ports that nobody has; sipp itself cannot tell which one it chose."""
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
    for bound in sockets:
        bound.bind(("127.0.0.1", 0))
    ports = [bound.getsockname()[1] for bound in sockets]
    for bound in sockets:
        bound.close()
    return ports


def start(scenario, port, folder, more):
    command = ["sipp", "-sf", str(SCENARIOS / (scenario + ".xml")), "-i", "127.0.0.1", "-p",
               str(port), "-m", str(CALLS), "-nostdin", "-timeout", "40s", "-timeout_error", *more]
    environment = dict(os.environ, TERM="xterm")
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE, text=True)


def main():
    if shutil.which("sipp") is None:
        print("skipped: there is no sipp")
        return 77
    named = {name for pair in PAIRS for name in pair}
    # The talking ones want media files beside them: loadgen_media_test.py plays those.
    missing = {path.stem for path in SCENARIOS.glob("*.xml")
               if "talking" not in path.stem} ^ named
    failures = []
    if missing:
        failures.append(f"in scenarios/ or in this test, but not in both: {sorted(missing)}")
    with tempfile.TemporaryDirectory() as folder:
        ports = free_ports(2 * len(PAIRS))
        running = []
        for (caller, callee), port, back in zip(PAIRS, ports[::2], ports[1::2]):
            # A callee that is not up yet is waited for by the INVITE's retransmission.
            running.append((callee, start(callee, port, folder, [])))
            running.append((caller, start(caller, back, folder,
                                          ["-d", "100", "-r", "20", f"127.0.0.1:{port}"])))
        for name, process in running:
            try:
                _, errors = process.communicate(timeout=DEADLINE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                _, errors = process.communicate()
                errors += "(did not end)"
            if process.returncode != 0:
                said = errors.strip()[-600:]
                failures.append(f"{name}: sipp exited {process.returncode}: {said}")
    for failure in failures:
        print(failure)
    print(f"{len(PAIRS)} pairs, {CALLS} calls each: {'FAIL' if failures else 'ok'}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
