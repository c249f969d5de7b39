#!/usr/bin/env python3
"""baresip talks with baresip through the SBC's media, and what each records is what the other said.

Two calls at once, one in each direction, and a wav of its own for each of the four who talk: a tone
that glides and words of noise. baresip plays it, PCMU carries it, and baresip's sndfile module
writes down what came. The recording must follow the wav sample for sample, as far as G.711 lets it:
no gap, no jump, nobody else's voice. Skipped (77) where there is no baresip.
"""

import array
import math
import operator
import random
import re
import signal
import wave
from collections import Counter

from media_rig import media, media_words
from rig import (CUSTOMER, TRUNK, Failure, Rig, Sbc, connector, free_block, host_port, is_bound,
                 need, run, sbc_program, wait_for)

MODULES = "/usr/lib/baresip/modules"
RATE = 8000
SECONDS = 6
FRAME = 160  # Samples of 20 ms: a packet.
WINDOW, SEARCH = 400, RATE // 2  # What is looked for in the wav, and how far from its own place.
FRAME_DB, WHOLE_DB = 25, 30  # G.711 is 37 dB above its noise.
EDGE = 15  # Packets that may be missing before the first, and after the last that was recorded.
IP = "127.0.0.1"  # All four, as baresip sends from whatever address the kernel chooses.
NUMBERS = {"pbx": "+16185558387", "trunk": "+18155558245"}
CONFIG = """\
sip_listen {ip}:{sip_port}
net_interface {ip}
poll_method epoll
call_max_calls 1
audio_player aubridge,nobody
audio_source aufile,{folder}/said.wav
audio_alert aubridge,nobody
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
audio_txmode poll
audio_level no
rtp_ports {rtp_ports}
rtcp_mux no
jitter_buffer_type off
rtp_stats yes
module_path {modules}
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
module_app account.so
module_app contact.so
module_app menu.so
snd_path {folder}
"""


def voice(seed):
    """A glide and, over it, noise that comes and goes as words do; no part is like another."""
    chance = random.Random(seed)
    samples, phase, smooth = array.array("h"), 0.0, 0.0
    for at in range(RATE * SECONDS):
        phase += 2 * math.pi * (300 + 60 * seed + 150 * at / RATE) / RATE
        smooth = 0.7 * smooth + 0.3 * chance.uniform(-1, 1)
        loud = 0.5 + 0.5 * math.sin(2 * math.pi * (2 + 0.3 * seed) * at / RATE)
        samples.append(int(5000 * math.sin(phase) + 14000 * loud * smooth))
    return samples


def write_wav(path, samples):
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, RATE, len(samples), "NONE", ""))
        out.writeframes(samples.tobytes())


def read_wav(path):
    with wave.open(str(path), "rb") as file:
        if (shape := file.getparams()[:3]) != (1, 2, RATE):
            raise Failure(f"{path.name}: channels, width and rate are {shape}")
        return array.array("h", file.readframes(file.getnframes()))


class Baresip:
    """One baresip with one account, in a folder of its own. It answers at once, and hangs up when
    it has said its wav.
    """

    def __init__(self, rig, name, number, seed):
        self.rig, self.name, self.number = rig, name, number
        self.folder = rig.folder / name
        self.folder.mkdir()
        self.port = int(free_block(IP, 2).split("-")[0])  # The next one is for TLS.
        self.said = voice(seed)
        write_wav(self.folder / "said.wav", self.said)

    def start(self, sbc, dial=None):
        (self.folder / "config").write_text(CONFIG.format(
            ip=IP, sip_port=self.port, modules=MODULES, rtp_ports=free_block(IP, 8),
            folder=self.folder))
        (self.folder / "contacts").write_text("")
        (self.folder / "accounts").write_text(
            f"<sip:{self.number}@{IP}:{self.port}>;regint=0;answermode=auto;audio_codecs=pcmu;"
            f'ptime=20;outbound="sip:{host_port(*sbc)};transport=udp"\n')
        more = ["-e", f"/dial {dial}"] if dial else []
        self.process = self.rig.start(self.name, [need("baresip", "baresip-core"), "-f",
                                                  self.folder, *more])
        wait_for(f"{self.name} listens", lambda: is_bound(IP, self.port), alive=self.process)

    def text(self):
        return self.rig.output(self.process, 1000000)

    def wait_end(self):
        """Returns when its one call has ended, and baresip has said what it knows of it."""
        wait_for(f"{self.name}'s call ends", lambda: re.search(r"^jitter: .*$", self.text(), re.M),
                 alive=self.process)
        self.process.send_signal(signal.SIGTERM)
        if (code := self.rig.wait(self.process, 10)) != 0:
            raise Failure(f"{self.name}: exit {code}\n{self.rig.output(self.process)}")

    def count(self, what):
        """(of what it sent, of what it received), by its own account."""
        return [int(word) for word in
                re.search(rf"^{what}: +(\d+) +(\d+)", self.text(), re.M).groups()]

    def heard(self):
        files = list(self.folder.glob("dump-*-dec.wav"))
        if len(files) != 1:
            raise Failure(f"{self.name}: recordings: {files}")
        return read_wav(files[0])


def product(one, other):
    return sum(map(operator.mul, one, other))


def offset_of(heard, said):
    """How many samples of what was said came before the recording begins, by cross-correlation."""
    middle = len(heard) // 2
    window = heard[middle:middle + WINDOW]
    at = max(range(max(0, middle - SEARCH), min(len(said) - WINDOW, middle + SEARCH)),
             key=lambda at: product(window, said[at:at + WINDOW]))
    return at - middle


def noise_ratio(heard, said):
    """The power of what was said over that of the difference, in dB."""
    difference = array.array("l", map(operator.sub, heard, said))
    return 10 * math.log10(product(said, said) / max(1, product(difference, difference)))


def check_heard(listener, speaker):
    """The recording is one piece of what was said, all but the edges, in G.711's quality."""
    heard, said = listener.heard(), speaker.said
    where = f"{listener.name} heard of {speaker.name}"
    offset = offset_of(heard, said)
    first, last = max(0, -offset), min(len(heard), len(said) - offset)
    first += -(first + offset) % FRAME  # To the first whole packet.
    bad = [at for at in range(first, last - FRAME + 1, FRAME)
           if noise_ratio(heard[at:at + FRAME], said[at + offset:at + offset + FRAME]) < FRAME_DB]
    if bad:
        raise Failure(f"{where} {len(bad)} packets wrongly, the first at {bad[0] / RATE:.3f} s of "
                      f"{len(heard) / RATE:.3f} s, offset {offset}")
    if last - first < len(said) - EDGE * FRAME:
        raise Failure(f"{where} {last - first} samples of {len(said)}, offset {offset}")
    if (ratio := noise_ratio(heard[first:last], said[first + offset:last + offset])) < WHOLE_DB:
        raise Failure(f"{where} {ratio:.1f} dB above the noise")
    return ratio


def check_counts(listener, speaker, call, leg):
    """What the SBC says it relayed to the listener, against what both baresips say."""
    other = "callee" if leg == "caller" else "caller"
    to_listener, from_speaker = media_words(call, leg), media_words(call, other)
    counts = [speaker.count("packets")[0], from_speaker["received"], to_listener["sent"],
              listener.count("packets")[1]]
    # Each loses what is under way when the call ends.
    if counts != sorted(counts, reverse=True) or counts[0] - counts[-1] > EDGE:
        raise Failure(f"{speaker.name} to {listener.name}: sent, received and sent by the SBC, "
                      f"received: {counts}")
    lost = {"SBC": from_speaker["lost"], "SBC, of the listener": to_listener.get("peer_lost", 0),
            "listener": listener.count("lost")[1]}
    if any(lost.values()) or from_speaker["codec"] != "pcmu":
        raise Failure(f"{speaker.name} to {listener.name}: lost: {lost}, {call[other + '_media']}")


def check_records(sbc, calls):
    ends = Counter((call["direction"], call["status"]) for call in sbc.calls())
    if ends != {("termination", "200"): 1, ("origination", "200"): 1}:
        raise Failure(f"the call log: {ends}")
    for call in sbc.calls():
        caller, callee = calls[call["direction"]]
        check_counts(callee, caller, call, "callee")
        check_counts(caller, callee, call, "caller")


def test():
    sbc_program()
    need("baresip", "baresip-core")
    with Rig() as rig:
        names = ("pbx-calls", "trunk-answers", "trunk-calls", "pbx-answers")
        out, answer_out, into, answer_in = [
            Baresip(rig, name, NUMBERS[name.split("-")[0]], seed)
            for seed, name in enumerate(names)]
        calls = {"termination": (out, answer_out), "origination": (into, answer_in)}
        way = connector(1, (IP, answer_out.port), [(IP, answer_in.port)], [IP])
        sbc = Sbc(rig, [way], {"media": media(free_block(CUSTOMER, 8), free_block(TRUNK, 8))})
        sides = {"pbx": (CUSTOMER, sbc.customer_port), "trunk": (TRUNK, sbc.trunk_port)}
        for side, callee in (("trunk", answer_out), ("pbx", answer_in)):
            callee.start(sides[side])
        out.start(sides["pbx"], f"sip:{NUMBERS['trunk']}@{way['id']}.voiceconnector.chime.aws")
        into.start(sides["trunk"], f"sip:{NUMBERS['pbx']}@{host_port(*sides['trunk'])}")
        for baresip in (out, answer_out, into, answer_in):
            baresip.wait_end()
        sbc.wait_idle()
        sbc.stop()
        ratios = [check_heard(*pair) for caller, callee in calls.values()
                  for pair in ((caller, callee), (callee, caller))]
        check_records(sbc, calls)
    print(f"{len(ratios)} voices, the worst {min(ratios):.1f} dB above its noise")


if __name__ == "__main__":
    run(test)
