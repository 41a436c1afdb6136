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

import json
import subprocess
import sys
import time

import numpy as np
import pytest
from click.testing import CliRunner
from tiny_recording import write_bag

from av_tracker_nodes.cli.main import main
from av_tracker_nodes.geometry import Camera, MicrophoneArray, Rig
from av_tracker_nodes.recordings.bag import BagReader, BagWriter
from av_tracker_nodes.research import speed
from av_tracker_nodes.research.speed.pipeline import detector_reference
from av_tracker_nodes.research.speed.streams import Sensors, restream
from av_tracker_nodes.research.speed.usage import Sample, Usage, watched
from av_tracker_nodes.types import AudioBlock, ImageFrame

START = 10_000_000_000
CAMERA = Camera(300.0, 300.0, 179.5, 143.5, (360, 288))
ARRAY = MicrophoneArray(np.eye(4, 3), channels=np.array([1, 0, 2, 3]))
TONE = 500.0


@pytest.fixture
def source(tmp_path):
    """One second of pictures that grow brighter and of a tone on channel 1."""
    with BagWriter(tmp_path / 'source') as bag:
        bag.write_rig(Rig(CAMERA, ARRAY), START)
        times = np.arange(16_000) / 16_000
        sound = np.zeros((16_000, 4), np.float32)
        sound[:, 1] = 0.5 * np.sin(2 * np.pi * TONE * times)
        for first in range(0, 16_000, 160):
            stamp = START + first * 62_500
            bag.write_audio(AudioBlock(stamp, first, 16_000, sound[first : first + 160]))
        for frame in range(25):
            image = np.full((288, 360, 3), 10 * frame, np.uint8)
            bag.write_image(ImageFrame(START + frame * 40_000_000, image), CAMERA)
    return tmp_path / 'source'


def test_a_recording_is_played_over_and_over_before_other_sensors(source, tmp_path):
    sensors = Sensors((1280, 720), 30, 2, 48_000)
    with BagReader(restream(source, tmp_path / 'hd', sensors, 2.5)) as reader:
        rig, records = reader.rig(), list(reader.records())
    images = [record for record in records if isinstance(record, ImageFrame)]
    blocks = [record for record in records if isinstance(record, AudioBlock)]
    assert len(images) == 75
    assert images[0].image.shape == (720, 1280, 3)
    np.testing.assert_allclose(np.diff([image.stamp for image in images]), 1e9 / 30, atol=1)
    levels = np.array([image.image.mean() for image in images])
    np.testing.assert_allclose(levels[:30], levels[30:60], atol=1)
    assert levels[29] > levels[0] + 200

    samples = np.concatenate([block.samples for block in blocks])
    assert samples.shape == (120_000, 2)
    assert [block.first_sample for block in blocks[:3]] == [0, 480, 960]
    # The first microphone listens to channel 1.
    spectrum = np.abs(np.fft.rfft(samples[:48_000, 0]))
    assert spectrum.argmax() == TONE
    assert not samples[:, 1].any()

    point = np.array([[0.3, -0.2, 2.0]])
    before, after = CAMERA.project(point)[0], rig.camera.project(point)[0]
    np.testing.assert_allclose((after + 0.5) / [1280, 720], (before + 0.5) / [360, 288])
    assert (rig.microphones.rate, len(rig.microphones.positions)) == (48_000, 2)


def test_processes_of_nodes_are_watched_and_no_others():
    busy = 'import time\nend = time.monotonic() + 1.5\nwhile time.monotonic() < end: pass'
    with watched() as usage:
        node = subprocess.Popen([sys.executable, '-c', busy, 'av_tracker_nodes.nodes.busy'])
        other = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(1)'])
        node.wait()
        other.wait()
        time.sleep(0.1)
    figures = usage.summary()
    assert {name.partition('_')[0] for name in figures} == {'busy'}
    assert 0 < figures['busy_cpu_percent'] <= 101
    assert figures['busy_mib'] > 1


def test_growth_is_that_from_the_second_quarter_of_the_time_to_the_last():
    start, warm, end = Sample(50.0, 1, 10), Sample(100.0, 4, 20), Sample(110.0, 5, 22)
    usage = Usage({'node': 3.0}, {'node': [start] * 4 + [warm] * 8 + [end] * 4}, 12.0)
    assert usage.summary() == {
        'node_cpu_percent': 25.0,
        'node_mib': 110.0,
        'node_growth_percent': 10.0,
        'node_new_threads': 1,
        'node_new_handles': 2,
    }


def test_the_long_ones_are_measured_only_when_named(monkeypatch, tmp_path):
    measured = []

    def note(name):
        return lambda out, progress_bar, seconds=None: measured.append((name, seconds))

    for name in speed.BENCHMARKS:
        monkeypatch.setitem(speed.BENCHMARKS, name, note(name))
    run = CliRunner().invoke
    assert run(main, ['bench', '--out', str(tmp_path)]).exit_code == 0
    assert [name for name, _ in measured] == ['acoustic_map', 'pipeline', 'latency']
    measured.clear()
    assert run(main, ['bench', 'soak', 'pipeline', '--seconds', '5']).exit_code == 0
    assert measured == [('soak', 5.0), ('pipeline', None)]


@pytest.mark.slow
def test_a_soak_loses_no_image_and_tells_what_every_node_holds(tmp_path, no_bar):
    result = speed.bench_soak(tmp_path, no_bar, seconds=8.0)
    assert json.loads((tmp_path / 'soak.json').read_text()) == result
    assert result['lost_frames'] == 0
    for node in ('face_detector', 'acoustic_map', 'fusion', 'tracker'):
        assert result[f'{node}_mib'] > 50
        assert f'{node}_growth_percent' in result


# ---- the time that other times are compared by


def test_the_reference_is_the_time_of_one_look(tmp_path):
    recording = write_bag(tmp_path / 'bag', image_seconds=0.2)
    assert 0.1 < detector_reference(recording.path) < 10_000
