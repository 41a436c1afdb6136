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

import numpy as np
import pytest

from av_tracker_nodes.geometry.grid import image_grid
from av_tracker_nodes.research.speed import acoustic_map
from av_tracker_nodes.research.speed.acoustic_map import MapSetting, map_errors, peer_correlation
from av_tracker_nodes.research.speed.peers import available_peers
from av_tracker_nodes.research.speed.stopwatch import median_ms

KEYS = {
    'cpu_ms',
    'torch_ms',
    'acoular_ms',
    'pyroomacoustics_ms',
    'xsrp_ms',
    'read_bound_ms',
    'ratio_acoular',
    'ratio_pyroomacoustics',
    'ratio_xsrp',
    'ratio_read_bound',
    'cuda_maps_per_second',
    'cuda_latency_ms',
    'papers_grid_ms',
    'table_mb',
    'rms_error',
    'max_error',
}


@pytest.fixture(scope='module')
def setting():
    return MapSetting.of(5)


def test_the_setting_is_the_agreed_one(setting):
    assert len(setting.delays.pairs) == 56
    assert setting.gcc.length == 640
    assert setting.array.rate == 16_000
    assert setting.points.shape == (57_600, 3)
    assert setting.map(setting.frame()).shape == (5, 96, 120)
    papers = MapSetting.of(9, across=True)
    assert len(papers.delays.pairs) == 120
    assert papers.points.shape == (9 * 96 * 120, 3)


def test_points_are_those_of_the_map(setting):
    pixels = setting.camera.project(setting.points).reshape(5, 96, 120, 2)
    for found in pixels:
        np.testing.assert_allclose(found, image_grid(setting.camera.size, 3.0), atol=1e-6)


def test_the_sound_is_where_it_was_put(setting):
    values = setting.map(setting.frame()).ravel()
    (u, v), depth = acoustic_map._SOURCE
    place = setting.camera.back_project(np.array([u, v]), depth)
    assert np.linalg.norm(setting.points[np.argmax(values)] - place) < 0.4


@pytest.mark.thorough
def test_the_timed_map_is_right(setting):
    errors = map_errors(setting)
    assert errors['rms_error'] <= 0.01
    assert errors['max_error'] <= 0.03


@pytest.mark.parametrize('name', ['acoular', 'pyroomacoustics', 'xsrp'])
def test_peers_map_the_same(setting, name):
    pytest.importorskip(name)
    peer = available_peers(setting.array, setting.gcc)[name]
    some = np.random.default_rng(1).choice(len(setting.points), 60, replace=False)
    assert peer_correlation(peer, setting, setting.frame(), some) > 0.99


def test_all_of_a_table_is_read():
    table = np.arange(1000, dtype=np.uint64)
    assert acoustic_map._read(table) == 999 * 500


def test_result_without_peers(tmp_path, monkeypatch, capsys, no_bar):
    for rounds in ('_ROUNDS', '_PAPERS_ROUNDS', '_TORCH_ROUNDS', '_BATCHES'):
        monkeypatch.setattr(acoustic_map, rounds, 1)
    monkeypatch.setattr(acoustic_map, '_BATCH', 2)
    monkeypatch.setattr(
        acoustic_map, 'map_errors', lambda setting: {'rms_error': 0.0, 'max_error': 0.0}
    )
    nobody = dict.fromkeys(('acoular', 'pyroomacoustics', 'xsrp'))
    monkeypatch.setattr(acoustic_map, 'available_peers', lambda array, gcc: nobody)
    result = acoustic_map.bench_acoustic_map(tmp_path / 'bench', no_bar)
    assert json.loads((tmp_path / 'bench' / 'acoustic_map.json').read_text()) == result
    assert set(result) >= KEYS
    assert result['acoular_ms'] is None
    assert result['ratio_xsrp'] is None
    assert result['ratio_read_bound'] == pytest.approx(result['cpu_ms'] / result['read_bound_ms'])
    assert 0 < result['table_mb'] < 100
    assert 'make bench EXTRAS=peers' in capsys.readouterr().out


def test_a_peer_that_maps_something_else_gets_no_time(setting):
    def wrong(whitened, points):
        return points[:, 0]

    result = acoustic_map._beside('acoular', wrong, setting, setting.frame(), 1.0)
    assert result['acoular_ms'] is None
    assert result['ratio_acoular'] is None
    assert result['acoular_correlation'] < 0.99


def test_time_on_part_of_the_grid_is_scaled_to_all_of_it(setting, monkeypatch):
    monkeypatch.setattr(acoustic_map, 'peer_correlation', lambda *_: 1.0)
    monkeypatch.setattr(acoustic_map, 'milliseconds', lambda call: 7.0 + 0.5 * call())
    result = acoustic_map._beside(
        'xsrp', lambda _, points: len(points), setting, setting.frame(), 2.0
    )
    assert result['xsrp_ms'] == pytest.approx(7.0 + 0.5 * 57_600)
    assert result['ratio_xsrp'] == pytest.approx(result['xsrp_ms'] / 2.0)


def test_functions_are_timed_in_turn():
    calls = []
    times = median_ms({'a': lambda: calls.append('a'), 'b': lambda: calls.append('b')}, 3)
    assert ''.join(calls) == 'ab' * 4
    assert set(times) == {'a', 'b'}
    assert all(value >= 0 for value in times.values())
