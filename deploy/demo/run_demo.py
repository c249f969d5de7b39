#!/usr/bin/env python3
"""Two PBXs, a Voice Connector and one SBC on loopback, with calls both ways through them.

    run_demo.py FOLDER_OF_PROGRAMS [--keep]

ringfence-load plays both PBXs and the Voice Connector, each on an address of its own; the SBC runs
on the JSON beside this file, which is Amazon's with loopback addresses. In the middle one PBX
hangs, is killed, and comes back later. The last line is `demo: PASS` or `demo: FAIL <why>`; where
something does not add up and a generator fell behind itself, it is `demo: FAIL this machine was too
slow: <numbers>`, and the SBC is not blamed, but for records that disagree with the generators' by
more than they own up to. What was started is ended, whatever happens. --keep leaves the logs, which
a FAIL does by itself.
"""

import argparse
import shutil
import signal
import socket
import sys
import time

sys.dont_write_bytecode = True  # Nothing is left beside this file.
from demo_agreement import Agreement, End
from demo_programs import (ADMIN, CUSTOMER, TRUNK, Failure, Generator, Programs, Sbc,
                           free_media_ports, free_port, wait_for)
from demo_report import (Checks, names, percentile, read_calls, read_records, share_bound, table,
                         too_slow)

PBX_A, PBX_B, VOICE_CONNECTOR, STRANGER = "127.0.0.11", "127.0.0.12", "127.0.0.21", "127.0.0.99"

DEAF_S = 0.25  # PBX B answers, and hangs before its first word comes through.
INBOUND_RATE, OUTBOUND_RATE = 40, 15  # Calls a second; a small machine has 50 times that.
# When PBX B hangs, is killed, comes back; when calling ends. It hangs first, for a BYE that meets a
# closed port tells the SBC of its death at once, and then there may be no call to fail over. Of the
# 40 inbound calls of that second one in four draws PBX B: all 40 miss it once in 100'000 runs.
HANG_S, KILL_S, BACK_S, END_S = 6, 7, 11, 16
PBX_B_CALLS_S = 5                     # PBX B itself calls only until well before its end.
REFUSED_RATE, REFUSED_CALLS, STRANGER_CALLS = 10, 20, 10
DEADLINE_S = END_S + 15


class Demo:
    """The run itself: start(), run(), stop(), then report()."""

    def __init__(self, programs):
        self.programs = programs
        self.callers = {}
        self.callees = {}
        self.gone_at = self.down_at = self.back_at = 0.0

    # ---- the run ---------------------------------------------------------------------------------

    def start(self, sip_port, admin_port):
        """With these ports where they are free; 0: with any."""
        addresses = {"customer_port": CUSTOMER, "trunk_port": TRUNK, "pbx_a_port": PBX_A,
                     "pbx_b_port": PBX_B, "connector_port": VOICE_CONNECTOR}
        self.ports = {name: free_port(ip, sip_port) for name, ip in addresses.items()}
        self.ports["admin_port"] = free_port(ADMIN, admin_port, socket.SOCK_STREAM)
        self.ports["media_ports"] = free_media_ports((CUSTOMER, TRUNK))
        self.callee("pbx-a", "pbx-inbound", PBX_A, "pbx_a_port")
        self.callee("pbx-b", "pbx-inbound", PBX_B, "pbx_b_port")
        self.callee("connector", "connector-outbound", VOICE_CONNECTOR, "connector_port")
        self.sbc = Sbc(self.programs, self.ports)
        wait_for("the SBC's probes are answered",
                 lambda: self.sbc.up() == {PBX_A, PBX_B, VOICE_CONNECTOR})
        self.print_layout()

    def print_layout(self):
        pbxs = [f"{name}  {route['Host']}:{route['Port']}  weight {route['Weight']}"
                for name, route in zip(("PBX A", "PBX B"), self.sbc.routes)]
        width = max(map(len, pbxs))
        sbc = (f"SBC {CUSTOMER}:{self.ports['customer_port']} | "
               f"{TRUNK}:{self.ports['trunk_port']}")
        print(f"\n  {pbxs[0]:{width}} --+\n"
              f"  {'':{width}}   +-- {sbc} --- Voice Connector"
              f" {VOICE_CONNECTOR}:{self.ports['connector_port']}\n"
              f"  {pbxs[1]:{width}} --+\n")

    def callee(self, name, flow, ip, port, life=""):
        self.callees[name + life] = Generator(self.programs, f"{name}{life}-answers",
                                              f"{flow}-talking", ip, self.ports[port],
                                              ["-aa", "--media_marks"])

    def caller(self, name, scenario, ip, rate, calls, more):
        towards = (f"{TRUNK}:{self.ports['trunk_port']}" if ip == VOICE_CONNECTOR
                   else f"{CUSTOMER}:{self.ports['customer_port']}")
        self.callers[name] = Generator(
            self.programs, f"{name}-calls", scenario, ip,
            more=["-r", rate, "-m", calls, "-l", calls, *more, towards])

    def start_calls(self):
        talk = ["-d", 0, "--media_marks"]
        self.caller("inbound", "connector-inbound-talking", VOICE_CONNECTOR, INBOUND_RATE,
                    INBOUND_RATE * END_S, talk)
        self.caller("outbound-a", "pbx-outbound-talking", PBX_A, OUTBOUND_RATE,
                    OUTBOUND_RATE * END_S, talk)
        self.caller("outbound-b", "pbx-outbound-talking", PBX_B, OUTBOUND_RATE,
                    OUTBOUND_RATE * PBX_B_CALLS_S, talk)

    def start_refused_calls(self):
        for name, ip, calls, more in (
                ("region", PBX_A, REFUSED_CALLS, ["-set", "called", "+442071838750"]),
                ("caller_id", PBX_A, REFUSED_CALLS, ["-set", "caller", "+12125550123"]),
                ("cidr", STRANGER, STRANGER_CALLS,
                 ["-max_invite_retrans", 1, "-recv_timeout", 900])):
            self.caller(name, "pbx-outbound-reject", ip, REFUSED_RATE, calls, more)

    def hang_pbx_b(self):
        self.gone_at = time.time()
        self.callees["pbx-b"].process.send_signal(signal.SIGSTOP)
        self.say("PBX B hangs (SIGSTOP)")

    def kill_pbx_b(self):
        self.callees["pbx-b"].process.kill()
        self.say("PBX B is killed (SIGKILL)")

    def bring_pbx_b_back(self):
        self.callee("pbx-b", "pbx-inbound", PBX_B, "pbx_b_port", life="-again")
        self.say("PBX B is started again")

    def say(self, text):
        print(f"  {time.monotonic() - self.began:4.0f} s  -- {text}", flush=True)

    def run(self):
        print("           calls  answered  answered      by      by  failed            ")
        print("     time    now   inbound  outbound   PBX A   PBX B    over  refused  routes up",
              flush=True)
        self.began = time.monotonic()
        self.start_calls()
        events = [(1, self.start_refused_calls), (HANG_S, self.hang_pbx_b),
                  (KILL_S, self.kill_pbx_b), (BACK_S, self.bring_pbx_b_back)]
        second = 0
        while not (second >= END_S and all(caller.ended() for caller in self.callers.values())):
            now = time.monotonic() - self.began
            if now > DEADLINE_S:
                raise Failure(f"calls are still under way after {DEADLINE_S} s")
            if self.sbc.ended():
                raise Failure(f"the SBC ended by itself, with {self.sbc.process.returncode}")
            while events and now >= events[0][0]:
                events.pop(0)[1]()
            up = self.sbc.up()
            if self.gone_at and not self.down_at and PBX_B not in up:
                self.down_at = time.time()
                self.say("the SBC sends PBX B no more calls")
            if not events and not self.back_at and PBX_B in up:
                self.back_at = time.time()
                self.say("the SBC sends PBX B calls again")
            if now >= second + 1:
                second = int(now)
                self.progress(second, up)
            time.sleep(0.1)

    def progress(self, second, up):
        metrics = self.sbc.metrics()
        answered = ("ringfence_route_attempts_total", 'result="answered"')
        numbers = (
            second, metrics.value("ringfence_calls"),
            metrics.total(*answered, 'side="customer"'), metrics.total(*answered, 'side="trunk"'),
            metrics.total(*answered, PBX_A), metrics.total(*answered, PBX_B),
            metrics.value("ringfence_failovers_total"),
            metrics.total("ringfence_calls_refused_total"))
        routes = "  ".join(f"{name} {'up' if ip in up else 'DOWN'}"
                           for name, ip in (("A", PBX_A), ("B", PBX_B)))
        print("  {:4d} s{:9d}{:10d}{:10d}{:8d}{:8d}{:10d}{:9d}   {}".format(*numbers, routes),
              flush=True)

    def stop(self):
        """Every caller has ended; the callees follow, then the SBC, with no call left."""
        wait_for("the SBC has ended every call",
                 lambda: self.sbc.metrics().value("ringfence_calls") == 0)
        self.metrics = self.sbc.metrics()
        callees = [callee for callee in self.callees.values() if not callee.ended()]
        for callee in callees:
            callee.process.terminate()
        for callee in callees:
            callee.wait(10)
        self.sbc.stop()

    # ---- the report ------------------------------------------------------------------------------

    def report(self):
        """Prints the tables and the checks; the list of what is wrong."""
        self.calls = read_calls(self.sbc.logs)
        self.cdrs = read_records(self.sbc.logs / "cdr.jsonl")
        self.report_calls()
        self.report_set_up()
        self.report_audio()
        self.report_agreement()
        self.report_routes()
        self.report_rejections()
        checks = self.check()
        slow = too_slow(self.talkers())
        if slow and checks.failures:  # What is late or lost may be ours.
            return self.report_slowness(slow, checks)
        checks.show()
        for who, reasons in slow.items():
            print(f"  though late itself: {who}: {', '.join(reasons)}")
        return checks.failures

    def report_slowness(self, slow, checks):
        print("\nThis machine was too slow for its generators")
        for who, reasons in slow.items():
            print("\n    ".join([f"  {who}", *reasons]))
        for title, failures in (
                ("So this is not held against the SBC",
                 [what for what in checks.failures if what not in checks.inexcusable]),
                ("But this is no matter of time", checks.inexcusable)):
            if failures:
                print("\n  ".join([f"\n{title}", *failures]))
        (who, reasons), *others = slow.items()
        more = f"; and {len(others)} more" if others else ""
        return [*checks.inexcusable,
                f"this machine was too slow: {who}: {', '.join(reasons)}{more}"]

    def report_calls(self):
        rows, failures = [], []
        for name, what in (("inbound", "inbound   Voice Connector -> PBXs"),
                           ("outbound-a", "outbound  PBX A -> Voice Connector"),
                           ("outbound-b", "outbound  PBX B -> Voice Connector")):
            caller = self.callers[name]
            made, answered = caller.count("created"), caller.answered()
            bad_voice = caller.bad_voice()
            rows.append((what, made, answered, bad_voice, caller.count("failed") - bad_voice,
                         f"{100 * answered / max(made, 1):.1f} %",
                         f"{INBOUND_RATE if name == 'inbound' else OUTBOUND_RATE}/s"))
            failures += [f"  {name}: {kind}: {names(caller.failures(voice))}"
                         for kind, voice in (("failed", False), ("bad voice", True))
                         if caller.failures(voice)]
        table("Calls", ["", "calls", "answered", "bad voice", "failed", "success", "rate"], rows)
        for line in failures:
            print(line)

    def report_set_up(self):
        rows = []
        flows = (("inbound", VOICE_CONNECTOR, "inbound"), ("PBX A's", PBX_A, "outbound-a"))
        for what, source, name in flows:
            values = sorted(call.setup_ms for call in self.calls
                            if call.answered and call.source == source)
            rows.append([f"{what}, in the SBC: INVITE to 200",
                         *(f"{percentile(values, p):.1f}" for p in (50, 90, 99, 100))])
            seen = self.callers[name].summary()["response_times"]["1"]["from_planned_us"]
            rows.append([f"{what}, at the caller, when due to 200",
                         *(f"{seen[p] / 1000:.1f}" for p in ("p50", "p90", "p99", "max"))])
        table("Set-up time, ms", ["", "p50", "p90", "p99", "max"], rows)

    def report_audio(self):
        rows = []
        for who, generator in self.talkers():
            media = generator.summary()["media"]
            times = [f"{values[p] / 1000:.1f}" if values else "-"
                     for values, percents in ((media["call_jitter_us"], ("p50", "p95", "max")),
                                              (media["marks"]["one_way_us"], ("p50", "p99", "max")))
                     for p in percents]
            mos = media["call_mos_milli"]
            rows.append((who, media["received"]["packets"], media["received"]["lost"],
                         media["marks"]["misrouted"], *times,
                         *(f"{mos[p] / 1000:.2f}" if mos else "-" for p in ("p50", "min"))))
        table("Audio heard, times in ms", [
            "", "packets", "lost", "misrouted", "jitter p50", "p95", "max",
            "one way p50", "p99", "max", "MOS p50", "min"], rows)

    def report_agreement(self):
        """How far the SBC's records of each call are from what its ends measured."""
        ends = [End(who, "caller" if generator in self.callers.values() else "callee",
                    generator.summary()["media"]) for who, generator in self.talkers()]
        self.agreement = Agreement(self.calls, self.cdrs,
                                   read_records(self.sbc.logs / "media.jsonl"), ends,
                                   mute=self.by_pbx_b_that_hung)
        self.agreement.compare()
        self.agreement.report(self.programs.folder)

    def talkers(self):
        """All that lived to say what they heard: PBX B did not, in its first life. Those whose
        calls are refused make too few to be judged by how late one of them was."""
        return (("Voice Connector, which calls", self.callers["inbound"]),
                ("PBX A, which calls", self.callers["outbound-a"]),
                ("PBX B, which calls", self.callers["outbound-b"]),
                ("PBX A", self.callees["pbx-a"]), ("PBX B, once back", self.callees["pbx-b-again"]),
                ("Voice Connector", self.callees["connector"]))

    def deaf(self):
        """Calls that PBX B answered just before it hung: its caller may have heard nothing."""
        return sum(self.by_pbx_b_that_hung(call) and self.gone_at - DEAF_S <= call.started
                   for call in self.calls)

    def by_pbx_b_that_hung(self, call):
        """Whether PBX B answered it in its first life, and so left no word of it."""
        return (call.inbound and call.answered and call.steps[-1][1].startswith(PBX_B)
                and call.started <= self.gone_at)

    def check_audio(self, checks):
        """What was heard, in all; and by call, whether the SBC's records say the same."""
        for who, generator in self.talkers():
            unheard = self.deaf() if generator is self.callers["inbound"] else 0
            why = names(generator.failures(voice=True))
            checks.that(generator.bad_voice() <= unheard,
                        f"voice at {who}: {why or 'good'}"
                        + (f" (PBX B hung while it answered {unheard})" if unheard else ""))
        checks.equal("calls that talked",
                     ("made", sum(len(generator.summary()["media"]["per_call"])
                                  for _, generator in self.talkers()[:3])),
                     ("planned", INBOUND_RATE * END_S + OUTBOUND_RATE * (END_S + PBX_B_CALLS_S)),
                     ("in the SBC's records", sum(call.answered for call in self.calls)))
        checks.that(*self.agreement.verdict(), excusable=False)
        checks.that(all(generator.summary()["media"]["marks"]["misrouted"] == 0
                        for _, generator in self.talkers()), "no call heard another's audio")

    def steady(self):
        """Inbound calls that began while both PBXs were there, by the route that was drawn."""
        drawn = {PBX_A: 0, PBX_B: 0}
        for call in self.calls:
            if call.inbound and call.steps and not self.gone_at <= call.started <= self.back_at:
                drawn[call.steps[0][1].rpartition(":")[0]] += 1
        return drawn

    def outage(self):
        """Inbound calls that began while PBX B was away."""
        return [call for call in self.calls
                if call.inbound and self.gone_at <= call.started <= self.back_at]

    def report_routes(self):
        drawn = self.steady()
        count = sum(drawn.values())
        weights = sum(route["Weight"] for route in self.sbc.routes)
        self.shares = []
        rows = []
        for name, route in zip(("PBX A", "PBX B"), self.sbc.routes):
            share = route["Weight"] / weights
            got = drawn[route["Host"]] / max(count, 1)
            bound = share_bound(share, count)
            self.shares.append((name, share, got, bound))
            rows.append((f"{name}  {route['Host']}:{route['Port']}", route["Weight"],
                         drawn[route["Host"]], f"{100 * share:.1f} %", f"{100 * got:.1f} %",
                         f"{100 * bound:.1f} %"))
        table("Inbound calls per route, both up",
              ["", "weight", "calls", "wanted", "drawn", "may differ by"], rows)

        away = self.outage()
        over = [call for call in away if call.failed_over]
        worst = max((call.setup_ms for call in over), default=0)
        table(f"PBX B away for {self.back_at - self.gone_at:.1f} s",
              ["", "calls", "longest set-up, ms"],
              [("drew PBX B, failed over to PBX A", len(over), f"{worst:.1f}"),
               ("PBX B known to be down: PBX A at once", len(away) - len(over), "")])

    def report_rejections(self):
        rows = []
        for cause, what, answer in (
                ("region", "region     called +44..., only US allowed", "403"),
                ("caller_id", "caller_id  caller is no number of ours", "403"),
                ("cidr", "cidr       source not in CidrAllowedList", "silence")):
            caller = self.callers[cause]
            refused = sum(call.cause == cause for call in self.calls)
            rows.append((what, caller.count("created"), answer,
                         refused if answer != "silence" else "dropped in the kernel"))
        table("Rejections by cause", ["", "calls", "answer", "recorded by the SBC"], rows)

    def check(self):
        checks = Checks()
        inbound, callers = self.callers["inbound"], self.callers
        outbound = [callers["outbound-a"], callers["outbound-b"]]
        refused = [callers["region"], callers["caller_id"]]

        for what, wanted, generators in (
                ("inbound calls", INBOUND_RATE * END_S, [inbound]),
                ("outbound calls", OUTBOUND_RATE * (END_S + PBX_B_CALLS_S), outbound)):
            checks.equal(what, ("planned", wanted),
                         ("made", sum(g.count("created") for g in generators)),
                         ("answered and hung up", sum(g.answered() for g in generators)),
                         ("answered in the SBC's records",
                          sum(call.answered and call.inbound == (generators == [inbound])
                              for call in self.calls)))
        checks.equal("answered calls",
                     ("CDRs say Completed",
                      sum(cdr["Status"] == "Completed" for cdr in self.cdrs)),
                     ("callers' count", sum(g.answered() for g in [inbound, *outbound])))
        self.check_callees(checks)
        self.check_audio(checks)
        for name, share, got, bound in self.shares:
            checks.that(abs(got - share) <= bound,
                        f"{name} drew {100 * got:.1f} % of the calls, wanted {100 * share:.1f} %")
        self.check_failover(checks)
        for generator, cause in zip(refused, ("region", "caller_id")):
            checks.equal(f"refused for {cause}", ("planned", REFUSED_CALLS),
                         ("got 403", generator.count("successful")),
                         ("in the SBC's records",
                          sum(call.cause == cause and call.status == 403 for call in self.calls)))
        stranger = callers["cidr"]
        checks.equal("calls of a stranger", ("planned", STRANGER_CALLS),
                     ("without an answer", stranger.count("failed")))
        sent = stranger.count("created") + stranger.count("retransmissions")
        dropped = self.metrics.value("ringfence_queue_drops_total")
        checks.that(dropped >= sent and all(call.source != STRANGER for call in self.calls),
                    f"the stranger's {sent} datagrams never reached the SBC: "
                    f"{dropped} dropped by the kernel")
        checks.equal("records of calls", ("lines", len(self.calls)), ("CDRs", len(self.cdrs)),
                     ("calls that reached the SBC", sum(
                         g.count("created") for g in [inbound, *outbound, *refused])))
        checks.that(all(p.poll() is not None for p in self.programs.running), "nothing still runs")
        return checks

    def check_callees(self, checks):
        """What the callees say they answered, against the routes of the SBC's records."""
        answered_by = {PBX_A: 0, PBX_B: 0}
        for call in self.calls:
            if call.inbound and call.answered:
                answered_by[call.steps[-1][1].rpartition(":")[0]] += 1
        answered_by_b_again = answered_by[PBX_B] - sum(map(self.by_pbx_b_that_hung, self.calls))
        checks.equal("answered by PBX A", ("its count", self.answers("pbx-a")),
                     ("in the SBC's records", answered_by[PBX_A]))
        checks.equal("answered by PBX B since it is back",
                     ("its count", self.answers("pbx-b-again")),
                     ("in the SBC's records", answered_by_b_again))
        checks.equal("answered by the Voice Connector", ("its count", self.answers("connector")),
                     ("in the SBC's records",
                      sum(call.answered and not call.inbound for call in self.calls)))
        checks.that(answered_by_b_again > 0, "PBX B gets calls again after it came back")

    def answers(self, name):
        return self.callees[name].answered()

    def check_failover(self, checks):
        away = self.outage()
        checks.that(any(call.failed_over for call in away),
                    "calls that drew PBX B while it was away went on to PBX A")
        checks.that(all(call.answered for call in away) and len(away) > 0,
                    f"all {len(away)} calls while PBX B was away were answered")


def parse_arguments():
    parser = argparse.ArgumentParser(description="Calls through one SBC on loopback.")
    parser.add_argument("programs", help="the folder of ringfence-sbc and ringfence-load")
    parser.add_argument("--keep", action="store_true", help="leave the logs")
    return parser.parse_args()


def interrupt(signal_number, _frame):
    raise Failure(f"interrupted by {signal.Signals(signal_number).name}")


def run(programs):
    """The whole demo; what is wrong, if anything."""
    try:
        demo = Demo(programs)
        try:
            demo.start(sip_port=5060, admin_port=9060)
        except Failure as failure:
            # A port that was free a moment ago is somebody else's now, another demo's perhaps.
            print(f"  {failure}; once more, on other ports")
            programs.close()
            demo = Demo(programs)
            demo.start(sip_port=0, admin_port=0)
        demo.run()
        demo.stop()
        return demo.report()
    except Failure as failure:
        return [str(failure)]


def main():
    arguments = parse_arguments()
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in signals:
        signal.signal(number, interrupt)
    programs = Programs(arguments.programs)
    failures = ["an error in this script"]  # Unless run() comes back.
    try:
        failures = run(programs)
    finally:
        for number in signals:
            signal.signal(number, signal.SIG_IGN)
        programs.close()
        if arguments.keep or failures:
            print(f"\nlogs: {programs.folder}")
        else:
            shutil.rmtree(programs.folder, ignore_errors=True)
        why = " ".join("; ".join(failures).split())  # One line, whatever a program said.
        print(f"\ndemo: FAIL {why}" if failures else "\ndemo: PASS", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
