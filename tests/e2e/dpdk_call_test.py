#!/usr/bin/env python3
"""SIPp completes calls against an SBC that owns its wire by DPDK, in both directions at once.

    namespace of the SBC                         namespace of the others
    ringfence-sbc, io: dpdk, 10.0.0.1  -- veth --  SIPp as PBX 10.0.0.11, as trunk 10.0.0.12

The SBC's end has no address in the kernel: ARP, IPv4, UDP and their checksums are DpdkIo's, judged
by Linux at the other end. Both namespaces have no name, so they are gone with the test's processes,
however it ends. Skipped (77) where there is no root, namespace, sipp, or DPDK in the build.
"""

import os
import re
from collections import Counter
from pathlib import Path

from networks import FarSide, command, own_network
from pairs import check_metrics
from rig import Failure, Rig, Sbc, Sipp, connector, need, run, sbc_program, skip, wait_for

SBC, PBX, TRUNK = "10.0.0.1", "10.0.0.11", "10.0.0.12"
CUSTOMER_PORT, TRUNK_PORT = 5060, 5070  # Both of the one address that the SBC has.
CALLEE_PORT, CALLER_PORT = 5060, 5080   # The namespace is ours: no other program has them.
CALLS, RATE = 50, 25
NODE = {"name": "e2e-dpdk", "io": "dpdk",
        "dpdk": {"device": "net_af_packet0,iface=rf-sbc", "address": f"{SBC}/24"}}


def make_wire(far):
    """rf-sbc here, rf-far there with both addresses, and every checksum written by who sends it: a
    veth pair passes on datagrams whose checksums the kernel has left to a card that there is not.
    """
    ip, ethtool = need("ip", "iproute2"), need("ethtool", "ethtool")
    command(ip, "link", "add", "rf-sbc", "type", "veth", "peer", "name", "rf-far",
            "netns", far.holder.pid)
    command(ip, "link", "set", "rf-sbc", "up")
    for address in (PBX, TRUNK):
        command(*far.enter, ip, "address", "add", f"{address}/24", "dev", "rf-far")
    for interface in ("lo", "rf-far"):
        command(*far.enter, ip, "link", "set", interface, "up")
    command(*far.enter, ethtool, "-K", "rf-far", "rx", "off", "tx", "off", "gso", "off", "gro",
            "off", "tso", "off")


def start_sbc(rig):
    listeners = [{"side": "customer", "address": SBC, "port": CUSTOMER_PORT},
                 {"side": "trunk", "address": SBC, "port": TRUNK_PORT}]
    connectors = [connector(1, (TRUNK, CALLEE_PORT), [(PBX, CALLEE_PORT)], [PBX])]
    try:
        return Sbc(rig, connectors, {"node": NODE, "listeners": listeners}), connectors[0]["id"]
    except Failure as failure:
        if "this program was built without it" in str(failure):
            skip("ringfence-sbc was built without DPDK (Debian: libdpdk-dev)")
        raise


def play(far, connector_id):
    """All four SIPps at once; raises unless each call went as its scenario says."""
    callees = [Sipp(far, "connector-outbound", TRUNK, CALLS, ["-d", 200], port=CALLEE_PORT),
               Sipp(far, "pbx-inbound", PBX, CALLS, ["-d", 200], port=CALLEE_PORT)]
    for callee in callees:
        wait_for(f"{callee.process.name} listens",
                 lambda callee=callee: far.is_bound(callee.ip, callee.port), alive=callee.process)
    more = ["-r", RATE, "-d", 200, "-set", "connector", connector_id]
    callers = [Sipp(far, "pbx-outbound", PBX, CALLS,
                    [*more, f"{SBC}:{CUSTOMER_PORT}"], port=CALLER_PORT),
               Sipp(far, "connector-inbound", TRUNK, CALLS,
                    [*more, f"{SBC}:{TRUNK_PORT}"], port=CALLER_PORT)]
    failures = []
    for sipp in callers + callees:
        try:
            sipp.finish()
        except Failure as failure:
            failures.append(str(failure))
    if failures:
        raise Failure("\n".join(failures))


def check_kernel(far):
    """Linux found no fault in the datagrams that it was sent."""
    text = Path(f"/proc/{far.holder.pid}/net/snmp").read_text()
    names, values = re.findall(r"^Udp: (.*)$", text, re.M)
    udp = dict(zip(names.split(), map(int, values.split())))
    if udp["InCsumErrors"] != 0 or udp["InErrors"] != 0 or udp["NoPorts"] != 0:
        raise Failure(f"Linux counts faults in what the SBC sent: {udp}")
    if udp["InDatagrams"] < 2 * CALLS * 6:
        raise Failure(f"only {udp['InDatagrams']} datagrams came over the wire")


def check_records(sbc):
    ends = Counter((call["end"], call.get("status")) for call in sbc.calls())
    if ends != {("caller_hung_up", "200"): 2 * CALLS}:
        raise Failure(f"the call log: {ends}")
    statuses = Counter(cdr["Status"] for cdr in sbc.cdrs())
    if statuses != {"Completed": 2 * CALLS}:
        raise Failure(f"the CDRs: {statuses}")


def test():
    sbc_program()
    for program, package in (("sipp", "sip-tester"), ("ip", "iproute2"), ("ethtool", "ethtool")):
        need(program, package)
    own_network()
    with Rig() as rig:
        os.environ["RUNTIME_DIRECTORY"] = str(rig.folder)  # DPDK makes a directory there.
        far = FarSide(rig)
        make_wire(far)
        sbc, connector_id = start_sbc(rig)
        play(far, connector_id)
        sbc.wait_idle()
        metrics = sbc.metrics()
        sbc.stop()
        check_metrics(metrics)
        check_records(sbc)
        check_kernel(far)
    print(f"{CALLS} calls each way, {RATE} a second, over DPDK af_packet and a veth pair")


if __name__ == "__main__":
    run(test)
