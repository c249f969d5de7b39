#!/usr/bin/env python3
"""sipsak asks the SBC for its OPTIONS (RFC 3261 section 11), as monitoring does.

An admitted source gets 200 on each side; a stranger gets silence; while calls are drained the
answer is 503, and so is /readyz's, so that peers turn elsewhere. Skipped (77) where there is no
sipsak.
"""

import subprocess

from rig import CUSTOMER, Failure, Rig, Sbc, TRUNK, Sipp, connector, free_port, need, run, wait_for

PBX, VOICE_CONNECTOR, STRANGER = "127.0.1.1", "127.0.2.1", "127.0.9.9"


def ask(source, address, port):
    """What sipsak is told: the status, or 0 for silence."""
    done = subprocess.run(
        [need("sipsak", "sipsak"), "-vv", "-Z", "20", "-k", source, "-H", source,
         "-s", f"sip:ping@{address}:{port}"],
        capture_output=True, text=True, timeout=30, check=False)
    said = done.stdout + done.stderr
    for line in said.splitlines():
        if line.startswith("SIP/2.0 "):
            status = int(line.split()[1])
            if (done.returncode == 0) != (status == 200):
                raise Failure(f"sipsak exits {done.returncode} at {line}")
            return status
    if done.returncode == 0:
        raise Failure(f"sipsak exits 0 without an answer: {said[-500:]}")
    return 0


def expect(status, source, address, port):
    if (got := ask(source, address, port)) != status:
        raise Failure(f"OPTIONS from {source} to {address}: {got or 'silence'}, not {status}")


def test():
    need("sipsak", "sipsak")
    need("sipp", "sip-tester")
    with Rig() as rig:
        port = free_port(VOICE_CONNECTOR)
        callee = Sipp(rig, "connector-outbound", VOICE_CONNECTOR, 1, port=port)
        callee.wait_bound()
        sbc = Sbc(rig, [connector(1, (VOICE_CONNECTOR, port), [(PBX, free_port(PBX))], [PBX])],
                  {"drain_timeout": "20s"})
        expect(200, PBX, CUSTOMER, sbc.customer_port)
        expect(200, VOICE_CONNECTOR, TRUNK, sbc.trunk_port)
        expect(0, STRANGER, CUSTOMER, sbc.customer_port)
        expect(0, PBX, TRUNK, sbc.trunk_port)

        # One call keeps the drain waiting.
        caller = Sipp(rig, "pbx-outbound", PBX, 1, [
            "-d", 4000, "-set", "connector", "dr3rbaar376u5r4ntcn001",
            f"{CUSTOMER}:{sbc.customer_port}"])
        wait_for("the call is up", lambda: sbc.metrics().get("ringfence_calls_answered_total") == 1)
        sbc.process.terminate()
        wait_for("/readyz says 503", lambda: sbc.get("/readyz")[0] == 503, alive=sbc.process)
        expect(503, PBX, CUSTOMER, sbc.customer_port)
        caller.finish()
        callee.finish()
        if (code := rig.wait(sbc.process, 15)) != 0:
            raise Failure(f"ringfence-sbc: exit {code}\n{rig.output(sbc.process)}")


if __name__ == "__main__":
    run(test)
