# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""A sound card of 16 channels in user space: a PulseAudio server of the test's own."""

import os
import subprocess
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from bootstrap import SYSTEM_PACKAGES

CHANNELS = 16
# The ALSA plugin that PortAudio goes through opens sixteen channels under these names; channels
# of other names come out silent.
CHANNEL_MAP = ','.join(
    [
        *('front-left', 'front-right', 'rear-left', 'rear-right'),
        *('front-center', 'lfe', 'side-left', 'side-right'),
        *(f'aux{number}' for number in range(8)),
    ]
)
PACKAGES = {'libportaudio2', 'pulseaudio', 'pulseaudio-utils', 'libasound2-plugins'}
PORTION = 0.010


class VirtualArray:
    """Server, its sources, and what plays into them.

    Attributes
    ----------
    environment : dict of str to str
        Of processes that record from `source`.
    """

    def __init__(self, folder, sample_format='s16le', rate=16_000):
        self._folder = Path(folder)
        self._format = f'rate={rate} channels={CHANNELS} format={sample_format}'
        self._format += f' channel_map={CHANNEL_MAP}'
        self._server = None
        self._load = ()
        address = f'unix:{self._folder}/socket'
        self.environment = {'PULSE_SERVER': address, 'PULSE_COOKIE': f'{self._folder}/cookie'}
        self._own = {
            **os.environ,
            **self.environment,
            'XDG_RUNTIME_DIR': str(folder),
            'HOME': str(folder),
        }

    def start(self):
        """Start the server and wait until it answers; load again what was loaded before."""
        modules = [f'module-native-protocol-unix auth-anonymous=1 socket={self._folder}/socket']
        modules += [self._load] if self._load else []
        (self._folder / 'pipe').unlink(missing_ok=True)
        command = [
            'pulseaudio',
            '-n',
            '--daemonize=no',
            '--exit-idle-time=-1',
            '--use-pid-file=no',
        ]
        command += [f'--load={module}' for module in modules]
        self._server = subprocess.Popen(command, env=self._own, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 20
        while subprocess.run(['pactl', 'info'], env=self._own, capture_output=True).returncode:
            assert time.monotonic() < end, 'the PulseAudio server does not answer'
            time.sleep(0.05)

    def kill(self):
        """End the server as a crash does."""
        if self._server is not None:
            self._server.kill()
            self._server.wait()

    def use_pipe(self):
        """Let the array hear what is written to a pipe; return its path."""
        pipe = self._folder / 'pipe'
        self._add(f'module-pipe-source source_name=array file={pipe} {self._format}', 'array')
        return pipe

    def use_sink(self):
        """Let the array hear what is played to a sink, which keeps a clock of its own."""
        self._add(f'module-null-sink sink_name=array {self._format}', 'array.monitor')

    @contextmanager
    def playing(self, path, sample_format, rate):
        """Play a raw file to the sink."""
        command = ['pacat', '--playback', '--raw', '--device=array', f'--rate={rate}']
        command += [f'--channels={CHANNELS}', f'--format={sample_format}', '--latency-msec=500']
        command += [f'--channel-map={CHANNEL_MAP}', str(path)]
        player = subprocess.Popen(command, env=self._own)
        try:
            yield
        finally:
            player.kill()
            player.wait()

    def _add(self, module, source):
        self._load = module
        self.environment['PULSE_SOURCE'] = source
        self.start()


@contextmanager
def virtual_array(**what):
    """Provide an array, or skip the test where there is no PulseAudio."""
    missing = [p.apt for p in SYSTEM_PACKAGES if p.apt in PACKAGES and not p.present()]
    if missing:
        pytest.skip(f'missing, and set up by make test: {" ".join(missing)}')
    # The path of a socket must be short.
    with tempfile.TemporaryDirectory(prefix='array', dir='/tmp') as folder:
        array = VirtualArray(folder, **what)
        try:
            yield array
        finally:
            array.kill()


class Feeder:
    """Writes samples to a pipe at the pace of a card, over and over, and notes when.

    Parameters
    ----------
    samples : np.ndarray, shape (n, channels)
    rate : float
        Samples a second, of the clock of this feeder.
    """

    def __init__(self, pipe, samples, rate):
        self._pipe, self._samples, self._rate = pipe, samples, rate
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.began = None

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._stopped.set()
        self._thread.join(5)

    def time_of(self, sample):
        """Wall time (s) at which a sample is due, which is the last of its portion's."""
        return self.began + sample / self._rate

    def _run(self):
        portion = round(PORTION * self._rate)
        total = len(self._samples) // portion * portion
        data = np.ascontiguousarray(self._samples[:total])
        with open(self._pipe, 'wb', buffering=0) as pipe:
            self.began, steady, count = time.time(), time.monotonic(), 0
            while not self._stopped.is_set():
                due = steady + (count + portion) / self._rate
                time.sleep(max(due - time.monotonic(), 0))
                begin = count % total
                try:
                    pipe.write(data[begin : begin + portion].tobytes())
                except BrokenPipeError:
                    return
                count += portion


def numbered(count, sample_format):
    """Make samples (count, channels) that tell their index: its digits in the first channels."""
    index = np.arange(count)
    samples = np.random.default_rng(0).integers(-(2**15), 2**15, (count, CHANNELS))
    samples[:, 0], samples[:, 1] = index % 16_000, 1 + index // 16_000
    if sample_format == 's16le':
        return samples.astype('<i2')
    return (samples / 2**15).astype('<f4')


def index_of(samples):
    """Read the index of each sample, shape (n,), from samples in [-1, 1]; -1 for silence."""
    digits = np.rint(samples[:, :2] * 2**15).astype(int)
    return np.where(digits[:, 1] > 0, digits[:, 0] + 16_000 * (digits[:, 1] - 1), -1)
