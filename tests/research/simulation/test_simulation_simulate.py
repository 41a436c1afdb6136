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

import pytest

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.research.datasets.av163 import Av163
from av_tracker_nodes.research.simulation import simulate as simulation


@pytest.fixture
def short(monkeypatch, short_scene):
    monkeypatch.setattr(simulation, 'build_scene', lambda name, seed: short_scene)
    return short_scene


@pytest.mark.thorough
def test_a_sequence_is_written_whole_and_replaces_an_older_one(short, tmp_path):
    older = tmp_path / short.name
    older.mkdir()
    (older / 'left_over').touch()
    seen = []
    folder = simulation.simulate('two_crossing', 5, tmp_path, lambda *step: seen.append(step))
    assert folder == older
    assert not (folder / 'left_over').exists()
    sequence = Av163(tmp_path).sequence(short.name)
    assert sequence.audio().shape == (round(16000 * short.duration), 16)
    for camera in (1, 2, 3):
        frames = list(sequence.frames(camera))
        assert [frame.stamp for frame in frames] == list(sequence.image_stamps(camera))
    fractions = [fraction for fraction, _ in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1.0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ['CAM', 'gt.mat', short.name]


def test_nothing_is_left_when_rendering_fails(short, monkeypatch, tmp_path):
    def half(scene, folder, progress):
        (folder / f'{scene.name}_array1_mic1.wav').touch()
        raise MemoryError

    monkeypatch.setattr(simulation, '_record_in_parallel', half)
    with pytest.raises(MemoryError):
        simulation.simulate('two_crossing', 5, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ['CAM', 'gt.mat']


def test_a_place_that_cannot_be_written_is_named(short, tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(InputError, match=f'cannot write to {tmp_path}/file'):
        simulation.simulate('two_crossing', 5, tmp_path / 'file')
