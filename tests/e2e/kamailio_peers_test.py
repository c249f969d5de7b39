#!/usr/bin/env python3
"""Kamailio as a recording proxy between the SBC and SIPp, on both sides, pair by pair of scenarios.

    SIPp  <->  Kamailio  <->  [customer side]  ringfence-sbc  [trunk side]  <->  Kamailio  <->  SIPp

The peers' Contacts lead nowhere (the Voice Connector's is a private address), so a request inside a
dialog arrives only where the SBC kept the route set and sends it loosely (RFC 3261 sections 12.1
and 12.2.1.1). Kamailio says what of that it routed, and refuses what came without a Route for it.
Skipped (77) where there is no kamailio or no sipp.
"""

import re

from pairs import CALLS, check_metrics, check_records, make_pairs, play, start_callees
from rig import CUSTOMER, Failure, Rig, Sbc, TRUNK, free_port, is_bound, need, run, wait_for

# A CANCEL that overtakes the INVITE's first answer is Kamailio's own affair: it sends 487 before
# 200, which no SIPp scenario can expect in either order. CANCEL later on is in the no-answer pairs.
WITHOUT = ("connector-inbound-cancel", "pbx-outbound-cancel")
MODULES = "tm sl rr pv maxfwd siputils textops xlog".split()

# One process for each socket (children=1), so that what came in order leaves in order.
CONFIG = """#!KAMAILIO
debug=1
log_stderror=yes
children=1
disable_tcp=yes
auto_aliases=no
dns=no
rev_dns=no
listen=udp:{customer[0]}:{customer[1]}
listen=udp:{trunk[0]}:{trunk[1]}
{modules}

request_route {{
  if (!mf_process_maxfwd_header("70")) {{
    sl_send_reply("483", "Too Many Hops");
    exit;
  }}
  if (has_totag()) {{
    if (!loose_route()) {{
      if (is_method("ACK") && t_check_trans()) {{
        t_relay();
        exit;
      }}
      if ($si == "{sbc_customer[0]}" || $si == "{sbc_trunk[0]}") {{
        xlog("L_ERR", "NO ROUTE: $rm $ru from $si:$sp\\n");
        sl_send_reply("404", "Not Loosely Routed");
        exit;
      }}
      # SIPp's Voice Connector leaves off the Route of its next hop: the request's URI is the SBC's.
      # What SIPp sends for a call that it gave up names a host: nothing here may ask the DNS.
      if (!($rd =~ "^127[.]")) {{
        sl_send_reply("404", "Not Here");
        exit;
      }}
    }} else if ($si == "{sbc_customer[0]}" || $si == "{sbc_trunk[0]}") {{
      xlog("L_ERR", "LOOSE: $rm from $si\n");
    }}
    t_relay();
    exit;
  }}
  if (is_method("CANCEL")) {{
    if (t_check_trans()) t_relay();
    exit;
  }}
  t_check_trans();
  record_route();
  switch ($rU) {{
{callees}
  }}
  if ($si != "{sbc_customer[0]}" && $si != "{sbc_trunk[0]}") {{
    if ($Ri == "{customer[0]}") {{
      $du = "sip:{sbc_customer[0]}:{sbc_customer[1]}";
    }} else {{
      $du = "sip:{sbc_trunk[0]}:{sbc_trunk[1]}";
    }}
  }}
  t_relay();
}}
"""


def start_kamailio(rig, sbc, pairs, customer, trunk):
    modules = "\n".join(f'loadmodule "{name}.so"' for name in MODULES)
    callees = "\n".join(
        f'    case "{pair.called}": $du = "sip:{pair.callee_ip}:{pair.callee_port}"; break;'
        for pair in pairs)
    path = rig.folder / "kamailio.cfg"
    path.write_text(CONFIG.format(
        customer=customer, trunk=trunk, modules=modules, callees=callees,
        sbc_customer=(CUSTOMER, sbc.customer_port), sbc_trunk=(TRUNK, sbc.trunk_port)))
    kamailio = need("kamailio", "kamailio")
    process = rig.start("kamailio", [kamailio, "-DD", "-E", "-f", path, "-Y", rig.folder,
                                     "-w", rig.folder, "-m", 32, "-M", 4])
    try:
        for ip, port in (customer, trunk):
            wait_for("kamailio listens", lambda: is_bound(ip, port), alive=process)
    except Failure as failure:
        raise Failure(f"{failure}\n{rig.output(process)}") from None
    return process


# What the SBC sends inside a dialog to one side, at least (SIPp may have had something repeated):
# as the caller of 3 pairs ACK and, but for one, BYE; a re-INVITE and its ACK; one BYE to a caller.
LOOSE_MIN = {"INVITE": CALLS, "ACK": 4 * CALLS, "BYE": 3 * CALLS}


def check_kamailio(said):
    if "NO ROUTE" in said or re.search(r"(ERROR|CRITICAL): (?!<script>)", said):
        raise Failure(f"kamailio: {said[-2000:]}")
    for address in (CUSTOMER, TRUNK):
        for method, count in LOOSE_MIN.items():
            if (seen := said.count(f"LOOSE: {method} from {address}")) < count:
                raise Failure(f"kamailio routed {seen} {method} from {address}, not {count}")


def test():
    need("sipp", "sip-tester")
    need("kamailio", "kamailio")
    with Rig() as rig:
        customer = ("127.0.1.100", free_port("127.0.1.100"))
        trunk = ("127.0.2.100", free_port("127.0.2.100"))
        pairs = make_pairs(proxies=(customer, trunk), without=WITHOUT)
        callees = start_callees(rig, pairs)
        sbc = Sbc(rig, [pair.connector for pair in pairs])
        kamailio = start_kamailio(rig, sbc, pairs, customer, trunk)
        try:
            play(rig, sbc, pairs, callees, proxies=(customer, trunk))
        except Failure as failure:
            raise Failure(f"{failure}\nkamailio: {rig.output(kamailio)}") from None
        metrics = sbc.metrics()
        sbc.stop()
        kamailio.terminate()
        rig.wait(kamailio, 15)
        check_kamailio((rig.folder / "kamailio.out").read_text(errors="replace"))
        check_metrics(metrics)
        check_records(sbc, pairs)
    print(f"{len(pairs)} pairs, {CALLS} calls each, through Kamailio on both sides")


if __name__ == "__main__":
    run(test)
