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

"""The microphone node on real streams of a virtual card with 16 channels."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from live_graph import live_graph
from message_packages import AUDIO_COMMON, build_messages
from tiny_recording import RATE, make_rig, make_sound
from virtual_array import CHANNELS, Feeder, index_of, numbered, virtual_array

from av_tracker_msgs.msg import AudioBlock
from av_tracker_nodes.geometry import MicrophoneArray
from av_tracker_nodes.geometry.calibration import save_microphones
from av_tracker_nodes.launching.node_set import PACKAGE, NodeSpec
from av_tracker_nodes.nodes.quality_of_service import AUDIO
from av_tracker_nodes.recordings.messages import from_audio

pytestmark = pytest.mark.graph

NODE = 'microphone_array'
PATIENCE = 0.25
"""Seconds for which a late card must not have caught up before the rest counts as lost."""


def spec(name=NODE, namespace='', **parameters):
    arguments = [a for k, v in parameters.items() for a in ('-p', f'{k}:={json.dumps(v)}')]
    arguments += ['-r', f'__ns:=/{namespace}'] if namespace else []
    return NodeSpec(PACKAGE, NODE, name, ros_arguments=tuple(arguments))


def describe(path, rate=RATE, channels=CHANNELS):
    """Write the description of an array."""
    positions = make_rig().microphones.positions[:channels]
    save_microphones(path, MicrophoneArray(positions, rate=rate, name='virtual'))
    return str(path)


class Heard:
    """What came on a topic of sound."""

    def __init__(self, graph, topic='audio'):
        self.blocks, self.received = [], []
        graph.node.create_subscription(AudioBlock, topic, self._hear, AUDIO)

    def _hear(self, message):
        self.received.append(time.time())
        self.blocks.append(from_audio(message))

    @property
    def seconds(self):
        return sum(len(block.samples) for block in self.blocks) / max(RATE, 1)

    @property
    def samples(self):
        return np.concatenate([block.samples for block in self.blocks])

    @property
    def indices(self):
        return np.concatenate([b.first_sample + np.arange(len(b.samples)) for b in self.blocks])

    @property
    def stamps(self):
        return 1e-9 * np.array([block.stamp for block in self.blocks])

    @property
    def firsts(self):
        return np.array([block.first_sample for block in self.blocks])


@contextmanager
def captured(array, specs, monkeypatch):
    """Run nodes on an array."""
    for name, value in array.environment.items():
        monkeypatch.setenv(name, value)
    with live_graph(specs) as graph:
        yield graph


def last_value(graph, key, node=NODE):
    statuses = graph.statuses_of(node)
    return next((v.value for v in statuses[-1].values if v.key == key), None) if statuses else None


def messages(graph):
    return [status.message for status in graph.statuses_of(NODE)]


def test_every_sample_at_its_time(tmp_path, monkeypatch):
    """One topic a card: all channels of a recording, and four of them in another order."""
    ppm = 150.0
    sound = np.rint(make_sound(make_rig(), np.random.default_rng(1)) * 2**14).astype('<i2')
    specs = [
        spec(device='pulse', calibration=describe(tmp_path / 'all.yaml'), temperature=30.0),
        spec(
            'four',
            'four',
            device='pulse',
            calibration=describe(tmp_path / 'four.yaml', channels=4),
            channel_map='9,3,0-1',
            block_size=320,
            sample_format='float32',
        ),
    ]
    with virtual_array() as array:
        pipe = array.use_pipe()
        with (
            Feeder(pipe, sound, RATE * (1 + 1e-6 * ppm)) as feeder,
            captured(array, specs, monkeypatch) as graph,
        ):
            everything, four = Heard(graph), Heard(graph, '/four/audio')
            assert graph.spin_until(lambda: len(everything.blocks) > 500), graph.lines
            graph.late_array_info()
            assert graph.spin_until(lambda: graph.heard['audio/array_info']), graph.lines
            info = graph.heard['audio/array_info'][0]
            assert info.name == 'virtual'
            assert info.speed_of_sound == pytest.approx(349.0, abs=0.1)
            assert info.channels.tolist() == list(range(CHANNELS))
            drift = float(last_value(graph, 'clock drift (ppm)'))

    # Sample by sample, over and over the recording.
    total = len(sound) // 160 * 160
    played = sound[:total]
    start = _place_of(everything.samples[:160], played)
    wanted = played[(start + everything.indices - everything.firsts[0]) % total] / 2**15
    assert np.array_equal(everything.samples, wanted.astype(np.float32))
    assert np.array_equal(np.diff(everything.firsts), np.full(len(everything.firsts) - 1, 160))
    begin = _place_of(four.samples[:320], played[:, [9, 3, 0, 1]])
    wanted = played[(begin + four.indices - four.firsts[0]) % total][:, [9, 3, 0, 1]] / 2**15
    assert np.array_equal(four.samples, wanted.astype(np.float32))
    assert {len(block.samples) for block in four.blocks} == {320}

    # Stamps against the times at which the samples were written.
    turns = round(((everything.stamps[0] - feeder.began) * RATE - start) / total)
    written = feeder.time_of(start + turns * total + everything.firsts - everything.firsts[0])
    late = everything.stamps - written
    assert (np.diff(everything.stamps) > 0).all()
    assert -0.005 < np.median(late) < 0.030
    assert np.ptp(late) < 0.005
    slope = np.polyfit(everything.firsts, everything.stamps, 1)[0] * RATE
    assert abs(slope - 1) < 500e-6
    assert -500 < drift < 100
    age = np.array(everything.received) - everything.stamps
    assert 0.010 < np.median(age[50:]) < 0.150


def _place_of(block, samples):
    """Index at which a block of samples in [-1, 1] begins among 16-bit samples."""
    block = np.rint(block * 2**15).astype(int)
    for start in np.flatnonzero((samples == block[0]).all(axis=1)):
        if np.array_equal(np.take(samples, start + np.arange(len(block)), 0, mode='wrap'), block):
            return start
    raise AssertionError('what was heard is not what was played')


def check_stall(tmp_path, monkeypatch, sample_format, rate, stall, block):
    """Stop the node until the server runs out of memory for it; return what was lost."""
    kind = {'s16le': 'int16', 'float32le': 'float32'}[sample_format]
    numbered(rate * (round(stall) + 14), sample_format).tofile(tmp_path / 'played.raw')
    device = {'device': 'pulse', 'calibration': describe(tmp_path / 'array.yaml', rate)}
    # A sink hands its sound on in portions as long as a part of the buffers that it serves; where
    # in a portion it goes on after a stall nobody can tell.
    device |= {'sample_format': kind, 'block_size': block, 'buffer': 0.01}
    with virtual_array(sample_format=sample_format, rate=rate) as array:
        array.use_sink()
        with (
            array.playing(tmp_path / 'played.raw', sample_format, rate),
            captured(array, [spec(**device)], monkeypatch) as graph,
        ):
            heard = Heard(graph)
            assert graph.spin_until(lambda: len(heard.blocks) * block > 2 * rate), graph.lines
            process = graph.supervisor.processes[NODE]
            os.kill(process.pid, signal.SIGSTOP)
            time.sleep(stall)
            before, resumed = len(heard.blocks), time.time()
            os.kill(process.pid, signal.SIGCONT)
            assert graph.spin_until(lambda: any(np.diff(heard.firsts[before - 5 :]) > block))
            assert graph.spin_until(
                lambda: int(last_value(graph, 'lost samples') or 0) > rate // 2
            )
            after = len(heard.blocks)
            assert graph.spin_until(lambda: (len(heard.blocks) - after) * block > rate)
            reported = int(last_value(graph, 'lost samples'))
            assert any('samples lost' in text for text in messages(graph))
            assert last_value(graph, 'overruns') == '0'

    true = index_of(heard.samples)
    sounding = true >= 0
    true, counted = true[sounding], heard.indices[sounding]
    jumps = np.diff(true)
    assert (jumps[jumps != 1] > 0).all()
    lost = int((jumps - 1).sum())
    # A backlog may be more than the messages between nodes can hold: those are gaps as well.
    gaps = int((np.diff(heard.firsts) - block).sum())
    assert abs(gaps - lost) < 0.010 * rate
    assert reported <= gaps
    # What is captured while the backlog is fetched comes with it, and may be put on the wrong side
    # of the gap. It is known which side that is once nothing has caught up for a while.
    behind = 1 + int(np.argmax(np.diff(heard.firsts)))
    fetching = heard.received[behind] - resumed - PATIENCE
    wrong = np.abs(counted - true - (counted[0] - true[0])) >= 0.010 * rate
    assert wrong.sum() <= max(0.1, fetching) * rate
    assert not wrong[-rate // 2 :].any()
    assert (np.diff(heard.stamps) > 0).all()
    late = heard.stamps - heard.firsts / rate
    assert np.ptp(late) < 0.010
    return reported, gaps


def test_a_stall_that_loses_samples_is_counted(tmp_path, monkeypatch):
    """At 48 kHz and 32 bits the server's memory lasts for 1.4 s; PortAudio says nothing."""
    reported, gaps = check_stall(tmp_path, monkeypatch, 'float32le', 48_000, 2.5, 480)
    assert reported == gaps


@pytest.mark.slow
def test_a_long_stall_is_counted(tmp_path, monkeypatch):
    """At 16 kHz and 16 bits 4 MB are 8.2 s: the rest of 12 s is lost, or all of them."""
    reported, _ = check_stall(tmp_path, monkeypatch, 's16le', 16_000, 12.0, 160)
    assert reported > 40_000


def test_the_card_comes_back(tmp_path, monkeypatch):
    """The server dies under the node and is started again, as a card is unplugged."""
    sound = numbered(20 * RATE, 's16le')
    specs = [spec(device='pulse', calibration=describe(tmp_path / 'array.yaml'))]
    with virtual_array() as array:
        pipe = array.use_pipe()
        with captured(array, specs, monkeypatch) as graph:
            heard = Heard(graph)
            with Feeder(pipe, sound, RATE):
                assert graph.spin_until(lambda: len(heard.blocks) > 150), graph.lines
                array.kill()
            missing = 'has stopped: no sound card fits'
            assert graph.spin_until(lambda: any(missing in text for text in messages(graph))), (
                messages(graph)
            )
            before = len(heard.blocks)
            array.start()
            with Feeder(pipe, sound, RATE):
                assert graph.spin_until(lambda: len(heard.blocks) > before + 100), graph.lines
                assert graph.spin_until(lambda: last_value(graph, 'reopened') == '1')
            assert graph.supervisor.processes[NODE].poll() is None
    gaps = [(a, b) for a, b in pairwise(heard.blocks) if b.first_sample - a.first_sample != 160]
    assert len(gaps) == 1
    a, b = gaps[0]
    assert (b.first_sample - a.first_sample) / RATE == pytest.approx(
        1e-9 * (b.stamp - a.stamp), abs=0.010
    )
    fresh = np.concatenate([block.samples for block in heard.blocks[before + 5 :]])
    assert (np.diff(index_of(fresh)) == 1).all()


def test_a_card_that_comes_after_the_node_is_opened(tmp_path, monkeypatch):
    """The server is started under a node that waits for it, as a card is plugged in."""
    sound = numbered(20 * RATE, 's16le')
    specs = [spec(device='pulse', calibration=describe(tmp_path / 'array.yaml'))]
    with virtual_array() as array:
        pipe = array.use_pipe()
        array.kill()
        with captured(array, specs, monkeypatch) as graph:
            heard = Heard(graph)
            missing = "no sound card fits 'pulse'"
            assert graph.spin_until(lambda: any(missing in text for text in messages(graph))), (
                graph.lines
            )
            array.start()
            with Feeder(pipe, sound, RATE):
                assert graph.spin_until(lambda: len(heard.blocks) > 100), graph.lines
                assert graph.spin_until(lambda: messages(graph)[-1:] == ['running']), messages(
                    graph
                )
            assert last_value(graph, 'reopened') == '0'
            assert graph.supervisor.processes[NODE].poll() is None
    assert len([line for line in graph.lines if missing in line]) == 1


def test_a_card_with_too_few_channels_is_one_clear_line(tmp_path, monkeypatch):
    calibration = describe(tmp_path / 'array.yaml', channels=4)
    specs = [spec(device='pulse', calibration=calibration, channel_map='0-2,40')]
    with virtual_array() as array:
        array.use_pipe()
        with captured(array, specs, monkeypatch) as graph:
            graph.spin_to_the_end(30)
            assert graph.statuses == {NODE: 2}
    assert any("no sound card fits 'pulse' with 41 channels" in line for line in graph.lines)
    assert any(': pulse (32 channels)' in line for line in graph.lines)


@pytest.mark.slow
def test_array_is_checked_live(tmp_path):
    """A channel without signal, and two that are swapped."""
    rig = make_rig()
    sound = np.rint(make_sound(rig, np.random.default_rng(1)) * 2**14).astype('<i2')
    sound[:, [2, 4]] = sound[:, [4, 2]]
    sound[:, 9] = 0
    save_microphones(tmp_path / 'array.yaml', rig.microphones)
    command = [sys.executable, '-m', 'av_tracker_nodes.cli', 'check', 'array']
    command += [str(tmp_path / 'array.yaml'), '--device', 'pulse', '--seconds', '3']
    with virtual_array() as array, Feeder(array.use_pipe(), sound, RATE):
        environment = {**os.environ, **array.environment}
        checked = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert checked.returncode == 1, checked.stderr
    assert 'channel 9: dead for 100% of the time' in checked.stdout
    assert 'look swapped: 2 and 4' in checked.stdout
    assert checked.stdout.count('for 100%') == 1


@pytest.mark.slow
def test_audio_common_there_and_back(tmp_path, monkeypatch):
    """Our sound as audio_common's messages, and those as ours again, are the same samples."""
    for name, value in build_messages(tmp_path, audio_common_msgs=AUDIO_COMMON).items():
        monkeypatch.setenv(name, value)
    calibration = describe(tmp_path / 'array.yaml')
    bridge = spec('bridge', 'bridge', calibration=calibration)
    remapped = ('-r', 'audio_stamped:=/audio_stamped', '-r', 'audio_info:=/audio_info')
    bridge = replace(
        bridge, executable='audio_bridge', ros_arguments=(*bridge.ros_arguments, *remapped)
    )
    specs = [spec(device='pulse', calibration=calibration), bridge]
    with virtual_array() as array:
        pipe = array.use_pipe()
        with (
            Feeder(pipe, numbered(20 * RATE, 's16le'), RATE),
            captured(array, specs, monkeypatch) as graph,
        ):
            ours, theirs = Heard(graph), Heard(graph, '/bridge/audio')
            assert graph.spin_until(lambda: len(theirs.blocks) > 300), graph.lines
    sent = {index: (block, number) for block in ours.blocks for number, index in _numbered(block)}
    differences = []
    for block in theirs.blocks:
        first = int(index_of(block.samples[:1])[0])
        if first not in sent:
            continue
        original, number = sent[first]
        assert number == 0
        assert np.array_equal(block.samples, original.samples)
        differences.append(1e-9 * (block.stamp - original.stamp))
    assert len(differences) > 200
    # A message may be lost between nodes while they find each other: then it is counted.
    drift = theirs.indices - index_of(theirs.samples)
    assert np.ptp(drift) < 0.010 * RATE
    assert np.abs(differences).max() < 0.010


def _numbered(block):
    return enumerate(index_of(block.samples).tolist())
