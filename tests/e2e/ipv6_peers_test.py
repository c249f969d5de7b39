#!/usr/bin/env python3
"""Calls between two SIPp processes through the SBC, over IPv6 and between IPv6 and IPv4, both ways.

SIPp is the judge of both legs. Where media is anchored, its address in each side's SDP is of that
side's family. Skipped (77) where there is no sipp, or no ::1.
"""

import re
from concurrent.futures import ThreadPoolExecutor

from pairs import check_metrics
from rig import (CUSTOMER, Failure, Rig, Sbc, Sipp, TRUNK, connector, free_block, free_port,
                 host_port, need, run, skip)

CALLS = 5
CALLED = {"in": "+16185558387", "out": "+18155558245"}
# The SBC's two sides, and where more of its media ports are, of the family that is not needed.
ARRANGEMENTS = [("::1", "::1", ()), (CUSTOMER, "::1", ()), ("::1", TRUNK, ()),
                (CUSTOMER, "::1", ("customer", "trunk")), ("::1", TRUNK, ("customer", "trunk"))]


def need_ipv6():
    try:
        free_port("::1")
    except OSError as error:
        skip(f"there is no ::1: {error}")


def peer_of(ip):
    """Where the peer of that side lives."""
    return "::1" if ":" in ip else "127.0.1.6"


def media(side, ip):
    # SIPp names one media port for all of its calls, so each has a pair of its own.
    return {"side": side, "address": ip, "ports": free_block(ip, 4 * CALLS), "shared": False}


def sdp_addresses(path):
    """Of every description in a SIPp's trace of messages that it received."""
    received = re.findall(r"message received[^\n]*\n\n(.*?)\n-{10}", path.read_text(), re.S)
    return {family for text in received for family in re.findall(r"^c=IN (IP[46]) ", text, re.M)}


def play(customer, trunk, more_media, direction):
    """Calls in one direction; raises unless both SIPp and the SBC say that they went well."""
    pbx, carrier = peer_of(customer), peer_of(trunk)
    ports = {"pbx": free_port(pbx), "carrier": free_port(carrier)}
    one = connector(6, (carrier, ports["carrier"]), [(pbx, ports["pbx"])], [pbx])
    ports_of = [media("customer", customer), media("trunk", trunk)]
    for side in more_media:
        ip = {"customer": customer, "trunk": trunk}[side]
        ports_of.insert(0, media(side, CUSTOMER if ":" in ip else "::1"))
    more = {"media": ports_of}
    with Rig() as rig:
        sbc = Sbc(rig, [one], more, customer, trunk)
        if direction == "out":
            callee = Sipp(rig, "connector-outbound", carrier, CALLS, ["-d", 100], ports["carrier"])
            callee.wait_bound()
            caller = Sipp(rig, "pbx-outbound", pbx, CALLS, [
                "-d", 100, "-set", "connector", one["id"], "-set", "called", CALLED["out"],
                host_port(customer, sbc.customer_port)], ports["pbx"])
        else:
            callee = Sipp(rig, "pbx-inbound", pbx, CALLS, ["-d", 100], ports["pbx"])
            callee.wait_bound()
            caller = Sipp(rig, "connector-inbound", carrier, CALLS, [
                "-d", 100, "-set", "connector", one["id"], "-set", "called", CALLED["in"],
                host_port(trunk, sbc.trunk_port)], ports["carrier"])
        for sipp in (caller, callee):
            sipp.finish()
            wanted = {"IP6" if ":" in sipp.ip else "IP4"}
            if (told := sdp_addresses(sipp.messages)) != wanted:
                raise Failure(f"{sipp.process.name} was told of media over {told}, not {wanted}")
        sbc.wait_idle()
        metrics = sbc.metrics()
        sbc.stop()
        check_metrics(metrics)
        ends = [call["end"] for call in sbc.calls()]
        if ends != ["caller_hung_up"] * CALLS:
            raise Failure(f"the call log: {ends}")


def test():
    need("sipp", "sip-tester")
    need_ipv6()
    plays = [(*sides, direction) for sides in ARRANGEMENTS for direction in ("out", "in")]
    # Each waits for its programs, most of the time; but a SIPp that is kept from its core for half
    # a second gets an INVITE twice, and takes the second one for a fault.
    with ThreadPoolExecutor(2) as pool:
        results = [pool.submit(play, *one) for one in plays]
    failures = []
    for (customer, trunk, _, direction), result in zip(plays, results):
        where = f"customer {customer}, trunk {trunk}, {direction}"
        if (failure := result.exception()) is not None:
            failures.append(f"{where}: {failure}")
        else:
            print(f"{where}: {CALLS} calls")
    if failures:
        raise Failure("\n".join(failures))


if __name__ == "__main__":
    run(test)
