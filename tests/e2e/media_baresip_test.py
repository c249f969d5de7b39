#!/usr/bin/env python3
"""baresip talks with baresip through the SBC's media, and what each records is what the other said.

Two calls at once, one in each direction, and a wav of its own for each of the four who talk: a tone
that glides and words of noise. baresip plays it, PCMU carries it, and baresip's sndfile module
writes down what came. The recording must follow the wav sample for sample, as far as G.711 lets it:
no gap, no jump, nobody else's voice. Skipped (77) where there is no baresip.
"""

import array
import itertools
import math
import random
import signal
import wave
from collections import Counter
from pathlib import Path

from media_rig import media, media_words
from rig import (CUSTOMER, TRUNK, Failure, Rig, Sbc, connector, free_block, free_port, is_bound,
                 need, run, sbc_program, skip, wait_for)

MODULES = "/usr/lib/baresip/modules"
RATE = 8000
SECONDS = 6
FRAME = 160  # Samples of 20 ms: a packet.
SEARCH = RATE  # How late within the recording the wav may begin.
NUMBERS = {"pbx": "+16185558387", "trunk": "+18155558245"}
CONFIG = """\
sip_listen {ip}:{sip_port}
net_interface {ip}
poll_method epoll
call_max_calls 1
audio_player aubridge,nobody
audio_source aufile,{wav}
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
    """One baresip with one account, in a folder of its own; its calls are answered at once."""

    def __init__(self, rig, name, seed, ip, number, sbc_address):
        self.rig, self.name, self.ip = rig, name, ip
        self.folder = rig.folder / name
        self.folder.mkdir()
        self.port = free_port(ip)
        self.said = voice(seed)
        write_wav(self.folder / "said.wav", self.said)
        (self.folder / "config").write_text(CONFIG.format(
            ip=ip, sip_port=self.port, wav=self.folder / "said.wav", modules=MODULES,
            rtp_ports=free_block(ip, 8), folder=self.folder))
        self.account = (f'<sip:{number}@{ip}:{self.port}>;regint=0;answermode=auto;'
                        f'audio_codecs=pcmu;ptime=20;outbound="sip:{{}}:{{}};transport=udp"\n')
        (self.folder / "contacts").write_text("")

    def start(self, sbc_address, dial=None):
        (self.folder / "accounts").write_text(self.account.format(*sbc_address))
        dialling = ["-e", f"/dial {dial}"] if dial else []
        self.process = self.rig.start(self.name, [
            need("baresip", "baresip-core"), "-f", self.folder, *dialling])
        wait_for(f"{self.name} listens", lambda: is_bound(self.ip, self.port), alive=self.process)

    def recording(self):
        """The file of what came; None before."""
        return next(self.folder.glob("dump-*-dec.wav"), None)
