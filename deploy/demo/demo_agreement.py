"""Whether the SBC's records of each call agree with what the generators at its ends measured.

Three records of the SBC are joined by its UUID of the call: the line of calls.log, the CDR
(`TransactionId`) and those of media.jsonl (`call_id`). A generator's result of the same call is
found by the Call-ID of its leg. Each end is compared in both directions:

    packets it sent        with what the SBC received from that leg
    packets it heard       with what the SBC sent to that leg
    lost, late, jitter,    with what the SBC measured of the same voice where it came in, on the
    and MOS of what it     other leg
    heard

And where both ends tell, with each other: what one sent the other one heard, and each names the
other's call in its marks, which no SBC can read.

How far two figures may be apart (Tolerances) follows from where and when each was taken.

lost     Not at all: the SBC closes no hole and makes none, and loopback loses nothing by itself.
         But what the listener says that its own full queue dropped only the SBC has seen.

packets  The one who sends counts until it learns of the BYE, the one who hears until it has none of
         the call any more: between the two lie packets that were under way. Those are what is sent
         in STALL_MS, the longest that we take a machine to stop one of us for; or in the longest
         that this end says it was late to send, or a packet was on its way to it. Who hears may
         miss these, and what its queue dropped; more than was sent nobody hears, so the other way
         the tolerance is 0.

late     A packet may come to the one in time for its jitter buffer and to the other just not. A
         stall makes as many late as would have been sent in it.

jitter   RFC 3550's is a mean, over the last 16 packets or so, of how much longer or shorter each
         took than the one before it. From the SBC to the listener a packet takes less than the
         marks say, which measure all the way from the sender: from 0 to their p99, but for one in
         a hundred; so two jitters of one stream differ by less than that. One packet, or a row of
         packets behind one stall, that takes the longest that any took adds a 16th of it when it
         comes, and a 16th when the next is quick again. STALLS such are allowed for: one in the
         middle, and one at the end, of which one of the two may have heard only. Each turn of a
         loop reads the clock once and then takes what is there, and kernel times are mapped to that
         clock: CLOCK_MS more.

under    What one end sent and the other one neither heard nor lost was under way when the call
way      ended, at one of the two: both tolerances of packets, and what the queue of who hears
         dropped.

MOS      The SBC writes hundredths, and packets under way change what share a lost one is:
         MOS_APART. A percent that is lost or late takes at most 95 / Bpl = 95 / 25.1 from R (G.107
         §7.5, G.711), and 1 of R at most 0.053 from MOS (Annex B): MOS_A_PERCENT, for what was
         late or lost to the one and not to the other.

So what a slow machine does to a call is in the tolerances already, and is no excuse for more.
The MOS of media.jsonl is not compared: it is a conversation's, with the delay in it, and is there
only where RTCP tells a round trip. calls.log has the listener's, as the generators do.
"""

import math
from collections import Counter, defaultdict

from demo_report import table

PACKET_MS, STALL_MS, STALLS, CLOCK_MS = 20, 100, 2, 2
MOS_APART, MOS_A_PERCENT = 0.1, 0.2
CUSTOMER_LEG, TRUNK_LEG = "cust", "rem"  # As media.jsonl names them.
DISAGREEMENTS_SHOWN = 10
EPSILON = 1e-9  # What binary makes of the files' decimals.
OTHER = {"caller": "callee", "callee": "caller"}


def number(value):
    return "unknown" if value is None else f"{value:.4g}" if isinstance(value, float) else value


class Tolerances:
    """Of what one end says, by what its summary says of its own times."""

    def __init__(self, media):
        one_way_us = media["marks"]["one_way_us"] or {}  # Null: nothing came, or went.
        late_us = media["sent"]["late_us"] or {}
        p99_ms, longest_ms = (max(one_way_us.get(which, 0), 0) / 1000 for which in ("p99", "max"))
        stall_ms = max(STALL_MS, longest_ms, late_us.get("max", 0) / 1000)
        self.packets = math.ceil(stall_ms / PACKET_MS)
        self.dropped = media["received"]["queue_drops"]
        self.jitter_ms = p99_ms + STALLS * 2 / 16 * longest_ms + CLOCK_MS

    @staticmethod
    def mos(discarded_apart, expected):
        return MOS_APART + MOS_A_PERCENT * 100 * abs(discarded_apart) / max(expected, 1)


class End:
    """What one generator says of its calls, which are all callers' or all callees'."""

    def __init__(self, name, leg, media):
        self.name, self.leg = name, leg
        self.tolerances = Tolerances(media)
        self.results = media["per_call"]
        self.apart = defaultdict(list)  # By figure, of each call: how far, and how far it may be.

    def farthest(self, figure, decimals):
        """Of the call that is nearest to its tolerance, or farthest beyond."""
        if not self.apart[figure]:
            return "-"
        apart, may = max(self.apart[figure], key=lambda pair: pair[0] / max(pair[1], EPSILON))
        return f"{apart:.{decimals}f} of {may:.{decimals}f}"


class Media:
    """The records of media.jsonl of one call: packets are of a minute each, the rest is of all."""

    def __init__(self):
        self.packets = Counter()
        self.latest = {}

    def add(self, record):
        self.latest = record
        self.packets.update({key: value for key, value in record.items()
                             if key.endswith("_rtp_packets")})

    def received(self, leg):
        return self.packets[f"{leg}2vc_rtp_packets"]

    def sent(self, leg):
        return self.packets[f"vc2{leg}_rtp_packets"]

    def lost(self, leg):
        return self.latest.get(f"{leg}2vc_packets_lost")

    def jitter_ms(self, leg):
        jitter_us = self.latest.get(f"{leg}2vc_jitter")
        return None if jitter_us is None else jitter_us / 1000


class Figure:
    """One figure of one end, as both say it (None: unknown); the end's less the SBC's may be from
    `least` to `most`."""

    def __init__(self, name, of_sbc, of_end, least, most):
        self.name, self.of_sbc, self.of_end = name, of_sbc, of_end
        self.least, self.most = least, most
        self.apart = None if None in (of_sbc, of_end) else of_end - of_sbc

    @property
    def agrees(self):
        if self.apart is None:
            return self.of_sbc is self.of_end
        return self.least - EPSILON <= self.apart <= self.most + EPSILON

    @property
    def tolerance(self):
        """On the side on which they are apart."""
        if not self.apart:
            return max(self.most, -self.least)
        return self.most if self.apart > 0 else -self.least

    def __str__(self):
        if self.least == self.most:
            tolerance = "must be the same"
        elif self.least == -self.most:
            tolerance = f"may differ by {self.most:.3g}"
        else:
            tolerance = ("which may be up to " +
                         (f"{self.most} more" if self.most else f"{-self.least} fewer"))
        return (f"{self.name}: {number(self.of_sbc)} by the SBC, "
                f"{number(self.of_end)} by this end, {tolerance}")


class Agreement:
    """compare() them, then `disagreements` has a line for each, and `disagreeing` their calls.

    `calls` are demo_report's, the other records as their files have them. `mute(call)` says whether
    the callee of a call did not live to say what it heard.
    """

    def __init__(self, calls, cdrs, media_records, ends, mute=lambda call: False):
        self.calls = [call for call in calls if call.answered]
        self.cdrs = cdrs
        self.ends, self.mute = ends, mute
        self.disagreements, self.disagreeing = [], set()
        self.at_both_ends = self.at_one_end = 0
        self.media = {}
        for record in media_records:
            self.media.setdefault(record["call_id"], Media()).add(record)
        self.results = self.results_of(ends)

    def results_of(self, ends):
        """By leg and Call-ID, who says what."""
        results = {}
        for end in ends:
            for result in end.results:
                key = (end.leg, result["call_id"])
                if key in results:
                    self.disagree(result["call_id"], f"{end.name} and {results[key][0].name} both "
                                  "have a result of it")
                results[key] = (end, result)
        return results

    def disagree(self, call, what):
        name = call if isinstance(call, str) else f"{call.id} ({call.call_ids['caller']})"
        self.disagreeing.add(name)
        self.disagreements.append(f"call {name}: {what}")

    def compare(self):
        partners = {(leg, call.call_ids[leg]) for call in self.calls for leg in OTHER}
        for (leg, call_id), (end, _) in self.results.items():
            if (leg, call_id) not in partners:
                self.disagree(call_id, f"{end.name} has a result, the SBC's calls.log has no "
                              f"answered call of that {leg}")
        self.compare_files()
        for call in self.calls:
            ends = 0
            for leg in OTHER:
                found = self.results.get((leg, call.call_ids[leg]))
                if found and call.id in self.media:
                    self.compare_end(call, leg, *found)
                    ends += 1
                elif not found and not (leg == "callee" and self.mute(call)):
                    self.disagree(call, f"the SBC has a record, no generator has a result of its "
                                  f"{leg} {call.call_ids[leg]}")
            self.at_both_ends += ends == 2
            if ends == 2:
                self.compare_ends(call)
            self.at_one_end += ends == 1

    def compare_files(self):
        """Each answered call has one CDR and media, and neither has anything else."""
        answered = {call.id: call for call in self.calls}
        for call_id in sorted(self.media.keys() - answered.keys()):
            self.disagree(call_id, "media.jsonl has a record, calls.log has no answered call")
        cdrs = Counter()
        for cdr in self.cdrs:
            call = answered.get(cdr["TransactionId"])
            if call is None:
                if cdr["Status"] == "Completed":
                    self.disagree(cdr["TransactionId"],
                                  "its CDR says Completed, calls.log has no answered call")
                continue
            cdrs[call.id] += 1
            trunk = call.call_ids["caller" if call.inbound else "callee"]
            for key, wanted in (("Status", "Completed"), ("CallId", trunk),
                                ("Direction", "Inbound" if call.inbound else "Outbound")):
                if cdr[key] != wanted:
                    self.disagree(call, f"{key}: {cdr[key]} in its CDR, {wanted} in calls.log")
        for call in self.calls:
            if cdrs[call.id] != 1:
                self.disagree(call, f"it has {cdrs[call.id]} CDRs")
            if call.id not in self.media:
                self.disagree(call, "calls.log has it, media.jsonl has no record")

    def compare_end(self, call, leg, end, result):
        media, most = self.media[call.id], end.tolerances
        here, there = ((TRUNK_LEG, CUSTOMER_LEG) if call.inbound == (leg == "caller")
                       else (CUSTOMER_LEG, TRUNK_LEG))
        voice = call.media[OTHER[leg]]  # What this end heard, where it came to the SBC.
        late, lost = int(voice.get("late", 0)), media.lost(there)
        mos = most.mos(result["late"] + result["lost"] - late - (lost or 0), result["expected"])
        mos_of_sbc = float(voice["mos_lq"]) if "mos_lq" in voice else None
        jitter_ms = (result["jitter_us"] or 0) / 1000  # Unknown is 0 in media.jsonl, too.
        for figure in (
                Figure("packets sent", media.received(here), result["sent"], 0, most.packets),
                Figure("packets heard", media.sent(here), result["received"],
                       -most.packets - most.dropped, 0),
                Figure("packets lost", lost, result["lost"], 0, most.dropped),
                Figure("packets late", late, result["late"], -most.packets, most.packets),
                Figure("jitter, ms", media.jitter_ms(there), jitter_ms,
                       -most.jitter_ms, most.jitter_ms),
                Figure("MOS", mos_of_sbc, result["mos"], -mos, mos)):
            if figure.apart is not None:
                end.apart[figure.name].append((abs(figure.apart), figure.tolerance))
            if not figure.agrees:
                self.disagree(call, f"at {end.name}: {figure}")

    def compare_ends(self, call):
        """With each other: an SBC that relays the wrong call's voice, or only its beginning, is at
        one with each of them."""
        both = {leg: self.results[(leg, call.call_ids[leg])] for leg in OTHER}
        for leg, (hears, heard) in both.items():
            speaks, said = both[OTHER[leg]]
            most = hears.tolerances.packets + speaks.tolerances.packets + hears.tolerances.dropped
            under_way = said["sent"] - heard["received"] - heard["lost"]
            if under_way > most:
                self.disagree(call, f"{speaks.name} sent {said['sent']}, {hears.name} heard "
                              f"{heard['received']} and missed {heard['lost']}: {most} of them may "
                              "be under way at its end")
            ours, theirs = heard.get("marks"), said.get("marks")
            if ours and theirs and ours["peer"] != theirs["own"]:
                self.disagree(call, f"{hears.name} heard the marks of call {ours['peer']}, "
                              f"{speaks.name} wrote those of call {theirs['own']}")

    def report(self, folder):
        """Prints how far each end and the SBC are apart, and the disagreements: the first of them,
        where there are many, and all in a file in `folder`."""
        rows = [[end.name, len(end.results)] + [end.farthest(*figure) for figure in (
            ("packets sent", 0), ("packets heard", 0), ("packets lost", 0), ("packets late", 0),
            ("jitter, ms", 1), ("MOS", 2))] for end in self.ends]
        table("Farthest from the SBC's record, of what is allowed", [
            "", "calls", "sent", "heard", "lost", "late", "jitter, ms", "MOS"], rows)
        for line in self.disagreements[:DISAGREEMENTS_SHOWN]:
            print(f"  {line}")
        more = len(self.disagreements) - DISAGREEMENTS_SHOWN
        if more > 0:
            path = folder / "disagreements.txt"
            path.write_text("".join(f"{line}\n" for line in self.disagreements))
            print(f"  and {more} more, all in {path}")

    def verdict(self):
        """Whether all agree, and in one line what there is to say."""
        found = self.disagreements
        if found:
            return False, (f"the SBC's records and the ends disagree {len(found)} times, in "
                           f"{len(self.disagreeing)} calls: {found[0]}")
        return True, (f"the SBC's records agree with both ends of {self.at_both_ends} calls, and "
                      f"with one end of {self.at_one_end}, whose other did not live to tell")
