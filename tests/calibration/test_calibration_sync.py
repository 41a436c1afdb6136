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

"""The offset between sound and images is found in recordings of claps."""

import json

import numpy as np
import pytest
from claps import (
    FRAME_RATE,
    METRES,
    RATE,
    SECONDS,
    clap_times,
    flash_picture,
    hands_picture,
    sound_of,
)
from click.testing import CliRunner
from tiny_recording import make_rig, write_bag

from av_tracker_nodes.calibration.sync import measure_sync
from av_tracker_nodes.cli.main import main
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.launching.node_set import node_set
from av_tracker_nodes.pipeline import Pipeline, track_bag
from av_tracker_nodes.recordings.bag import BagReader, BagWriter
from av_tracker_nodes.synchronisation import shift_sound
from av_tracker_nodes.types import AudioBlock, ImageFrame, to_nanoseconds

START = 100.0


def records(picture, audio_late, seed=0, claps=None):
    """A recording whose sound is stamped `audio_late` seconds too late."""
    rng = np.random.default_rng(seed)
    claps = clap_times(rng) if claps is None else claps
    sound = sound_of(claps, rng)
    result = []
    for first in range(0, len(sound), RATE // 100):
        stamp = to_nanoseconds(START + first / RATE + audio_late)
        result.append(AudioBlock(stamp, first, RATE, sound[first : first + RATE // 100]))
    phase = rng.uniform(0, 1 / FRAME_RATE)
    for k in range(int(SECONDS * FRAME_RATE) - 1):
        time = phase + k / FRAME_RATE
        grey = picture(time, claps, rng)
        image = np.repeat(grey[..., None], 3, axis=2)
        result.append(ImageFrame(to_nanoseconds(START + time), image))
    return sorted(result, key=lambda record: record.stamp)


@pytest.mark.parametrize('audio_late', [0.0, 0.085, -0.23])
def test_flashes(audio_late):
    result = measure_sync(records(flash_picture, audio_late), METRES)
    assert result.by == 'flash'
    assert result.claps == 10
    assert result.audio_offset == pytest.approx(-audio_late, abs=0.005)
    assert abs(result.audio_offset + audio_late) <= result.margin + 0.003


@pytest.mark.parametrize(('audio_late', 'seed'), [(0.0, 1), (0.085, 2), (-0.23, 3)])
def test_hands(audio_late, seed):
    result = measure_sync(records(hands_picture, audio_late, seed), METRES)
    assert result.by == 'motion'
    assert result.claps >= 8
    assert result.audio_offset == pytest.approx(-audio_late, abs=0.02)


def test_applying_what_was_measured_leaves_nothing():
    recording = records(flash_picture, 0.12, seed=4)
    offset = measure_sync(recording, METRES).audio_offset
    corrected = [shift_sound(record, offset) for record in recording]
    assert measure_sync(corrected, METRES).audio_offset == pytest.approx(0.0, abs=0.002)
    assert [r.stamp for r in corrected if isinstance(r, ImageFrame)] == [
        r.stamp for r in recording if isinstance(r, ImageFrame)
    ]


def test_clapping_like_a_clock_is_refused():
    with pytest.raises(InputError, match='irregular'):
        measure_sync(records(flash_picture, 0.0, claps=np.arange(1.0, 15.0, 0.3)), METRES)


def test_silence_and_stillness_are_named():
    nothing = np.array([1000.0])
    with pytest.raises(InputError, match='0 claps were heard'):
        measure_sync(records(flash_picture, 0.0, claps=nothing))
    dark = records(lambda time, claps, rng: np.full((96, 128), 110, np.uint8), 0.0, seed=5)
    with pytest.raises(InputError, match='0 claps were seen'):
        measure_sync(dark)


def test_command(tmp_path):
    rig = make_rig()
    with BagWriter(tmp_path / 'bag') as bag:
        bag.write_rig(rig, to_nanoseconds(START))
        for record in records(flash_picture, 0.085):
            if isinstance(record, AudioBlock):
                bag.write_audio(record)
            else:
                bag.write_image(record, rig.camera)
    arguments = ['check', 'sync', str(tmp_path / 'bag'), '--distance', str(METRES)]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    offset = float(result.output.split('audio_offset:=')[1].split()[0])
    assert offset == pytest.approx(-0.085, abs=0.005)


# ---- the audio offset is applied wherever sound meets images


LATE = 0.35


@pytest.fixture(scope='module')
def bag(tmp_path_factory):
    return write_bag(tmp_path_factory.mktemp('bags') / 'tiny').path


def test_offline_it_moves_the_stamps_of_sound_only(bag, tmp_path, monkeypatch):
    used = []
    monkeypatch.setattr(Pipeline, 'run', lambda self, records: iter(used.extend(records) or ()))
    track_bag(bag, tmp_path / 'out', audio_offset=LATE)
    with BagReader(bag) as reader:
        recorded = list(reader.records())
    for kind, offset in ((AudioBlock, LATE), (ImageFrame, 0.0)):
        before, after = (
            [r.stamp for r in read if isinstance(r, kind)] for read in (recorded, used)
        )
        assert after == [stamp + to_nanoseconds(offset) for stamp in before]


def test_launch_hands_it_to_the_acoustic_map(bag):
    specs = {s.name: s for s in node_set({'bag': str(bag), 'audio_offset': '-0.085'})}
    given = json.loads(specs['acoustic_map'].arguments[0].partition('=')[2])
    assert given['audio_offset'] == -0.085
