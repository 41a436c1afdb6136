# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

import json

import numpy as np
import pytest

from av_tracker_nodes.association import TrackerConfig
from av_tracker_nodes.comparison import models, scenes
from av_tracker_nodes.comparison.models import (
    TRACK_METRICS,
    Contender,
    compare_models,
    interval,
    paired_interval,
    track_scene,
)
from av_tracker_nodes.comparison.scenes import FIRST_SEED, Options, make_scenes
from av_tracker_nodes.errors import InputError


def test_models_are_scored_on_identical_input(recorded, tmp_path):
    _, files = recorded
    seen = track_scene(tmp_path, files, Contender('visual', 'visual'))
    again = track_scene(tmp_path, files, Contender('visual again', 'visual'))
    both = track_scene(tmp_path, files, Contender('vggcf', 'vggcf'))
    assert {key: seen[key] for key in models.METRICS} == {
        key: again[key] for key in models.METRICS
    }
    assert both['fusion_ms'] > 0
    assert (tmp_path / 'visual' / files.name / 'metrics.json').exists()


def test_taking_an_input_away_takes_it_away(recorded, tmp_path):
    _, files = recorded
    blind = track_scene(tmp_path, files, Contender('blind', 'visual', models.BLIND))
    assert blind['mota'] == 0
    deaf = track_scene(tmp_path, files, Contender('deaf', 'vggcf', models.DEAF))
    seen = track_scene(tmp_path, files, Contender('visual', 'visual'))
    assert deaf['mota'] == pytest.approx(seen['mota'])
    assert not deaf['speaking_f1']


def test_the_table_has_a_row_a_contender_and_is_written(recorded, no_bar, tmp_path, monkeypatch):
    _, files = recorded
    monkeypatch.setattr(models, 'record_scenes', lambda *_: [files, files, files])
    options = Options('varied', 'validation', 3)
    rows = compare_models(tmp_path, options, no_bar, [Contender('visual', 'visual')])
    assert json.loads((tmp_path / 'models.json').read_text()) == rows
    (row,) = rows
    assert row['model'] == 'visual'
    assert row['protocol'] == 'simulated varied, validation, 3 scenes'
    assert len(row['mota_scenes']) == 3
    assert row['mota'] == pytest.approx(np.mean(row['mota_scenes']), abs=1e-3)


def test_trackers_are_compared_by_their_own_scores(recorded, no_bar, tmp_path, monkeypatch):
    _, files = recorded
    monkeypatch.setattr(models, 'record_scenes', lambda *_: [files])
    deaf = TrackerConfig(birth_quality=1.0, confirm_seen=5.0)
    contenders = [Contender('usual', 'visual'), Contender('never', 'visual', tracker=deaf)]
    rows = compare_models(
        tmp_path, Options('varied', 'validation', 1), no_bar, contenders, TRACK_METRICS, 'trackers'
    )
    assert json.loads((tmp_path / 'trackers.json').read_text()) == rows
    usual, never = rows
    assert usual['purity'] > 50
    assert usual['confirm_s'] < 1
    assert never['purity'] is None
    assert never['hota'] == 0
    assert 'speaking_f1' not in usual


def test_recorded_scenes_are_not_recorded_again(recorded, monkeypatch):
    folder, files = recorded
    monkeypatch.setattr(scenes, 'MEASURES', ('vggcf',))
    before = files.clips['vggcf'].stat().st_mtime_ns
    again = scenes._make_scene(folder, 'varied', FIRST_SEED['validation'], 1)
    assert again == files
    assert files.clips['vggcf'].stat().st_mtime_ns == before


def test_an_unknown_scenario_is_named(tmp_path):
    with pytest.raises(InputError, match='unknown scenario'):
        make_scenes(tmp_path, 'party', 'test', 1, 1, lambda share: None)


def test_intervals_hold_the_mean_and_pairing_takes_out_what_scenes_share():
    rng = np.random.default_rng(0)
    shared = rng.normal(0, 10, 40)
    low, high = interval(shared + 50)
    assert low < np.mean(shared + 50) < high
    low, high = paired_interval(shared + 1 + rng.normal(0, 0.1, 40), shared)
    assert 0.9 < low < high < 1.1
    assert interval(np.array([1.0, 2.0])) is None
    with pytest.raises(InputError, match='same scenes'):
        paired_interval(np.zeros(3), np.zeros(4))
