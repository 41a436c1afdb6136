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

"""What is measured of beams, and on what."""

import json

import numpy as np
import pytest

from av_tracker_nodes.research.experiments.beams.beams_benchmark import Options, benchmark_beams
from av_tracker_nodes.research.experiments.beams.distortion import si_sdr
from av_tracker_nodes.research.experiments.beams.scenes import draw_scene
from av_tracker_nodes.research.simulation.room_acoustics import record, record_parts
from av_tracker_nodes.research.simulation.splits import Split


@pytest.mark.parametrize('ratio_db', [-20.0, 0.0, 13.0])
@pytest.mark.parametrize('gain', [1.0, -0.01, 300.0])
def test_si_sdr_is_the_ratio_of_what_is_orthogonal_whatever_the_gain(ratio_db, gain):
    time = np.arange(1000)
    wanted, other = (wave(2 * np.pi * time / 50) for wave in (np.sin, np.cos))
    signal = gain * (wanted + 10 ** (-ratio_db / 20) * other)
    assert si_sdr(signal, wanted) == pytest.approx(ratio_db, abs=1e-6)


def test_no_split_shares_a_scene():
    plans = {split: Options(split).plan.values() for split in ('validation', 'test')}
    for split, plan in plans.items():
        assert {Split.of_seed(seed) for _, _, seed, _ in plan} == {Split(split)}
    assert {Split.of_seed(seed) for _, _, seed, _ in Options(quick=True).plan.values()} == {
        Split.VALIDATION
    }


@pytest.mark.thorough
def test_parts_add_up_to_the_recording():
    scene = draw_scene('pair_webcam', 2, 1600, 2.5)
    parts = record_parts(scene)
    heard = parts.voices.sum(axis=0) + parts.background
    recorded = record(scene)
    scale = (recorded * heard).sum() / (heard * heard).sum()
    assert scale <= 1.0 + 1e-6
    np.testing.assert_allclose(scale * heard, recorded, atol=2e-5)


@pytest.mark.thorough
def test_the_direct_sound_comes_first_and_is_in_the_voice():
    scene = draw_scene('pair_webcam', 1, 1600, 2.5)
    parts = record_parts(scene)
    direct, voice = parts.direct[0, :, 0], parts.voices[0, :, 0]
    begin = int(np.argmax(np.abs(direct) > 0.05 * np.abs(direct).max()))
    early = slice(begin, begin + 32)
    np.testing.assert_allclose(voice[early], direct[early], atol=0.05 * np.abs(direct).max())
    assert 0 < direct @ direct < voice @ voice


@pytest.mark.thorough
def test_a_quick_run_writes_a_row_for_each_array_and_number_of_voices(tmp_path, capsys, no_bar):
    rows = benchmark_beams(tmp_path, Options(quick=True), no_bar)
    assert json.loads((tmp_path / 'beams.json').read_text()) == rows
    assert [(row['array'], row['voices'], row['talkers']) for row in rows] == [
        ('pair_webcam', 1, 1),
        ('pair_webcam', 2, 2),
        ('respeaker_usb_webcam', 1, 1),
        ('respeaker_usb_webcam', 2, 2),
    ]
    for row in rows:
        assert row['gain_db'] == pytest.approx(row['beam_db'] - row['delay_and_sum_db'])
    # Four microphones tell two talkers apart better than one does.
    assert rows[3]['beam_db'] > rows[3]['microphone_db']
    assert 'validation' in capsys.readouterr().out
