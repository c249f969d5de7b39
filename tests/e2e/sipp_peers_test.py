#!/usr/bin/env python3
"""Calls between two SIPp processes through the SBC: each pair of scenarios/, in both directions.

SIPp is the judge of both legs: of the seed's shapes, of a hang-up by either side, of CANCEL, busy,
refusals, ringing that is given up, and re-INVITEs. All pairs run at once, each through a connector
of its own, so that the choice of the connector is judged too. Then the SBC's own records must add
up to what was called, and nothing may be left. Skipped (77) where there is no sipp.
"""

from pairs import CALLS, check_metrics, check_records, make_pairs, play, start_callees
from rig import Rig, Sbc, need, run


def test():
    need("sipp", "sip-tester")
    pairs = make_pairs()
    with Rig() as rig:
        callees = start_callees(rig, pairs)
        sbc = Sbc(rig, [pair.connector for pair in pairs])
        play(rig, sbc, pairs, callees)
        metrics = sbc.metrics()
        sbc.stop()
        check_metrics(metrics)
        check_records(sbc, pairs)
    print(f"{len(pairs)} pairs, {CALLS} calls each")


if __name__ == "__main__":
    run(test)
