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
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from tiny_network import write_search_network

from av_tracker_nodes.association import TrackerConfig
from av_tracker_nodes.cli.main import main
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.fusion import create_fusion
from av_tracker_nodes.fusion.quality import QualityThresholds
from av_tracker_nodes.research.experiments.comparison import models, retrieval, scenes
from av_tracker_nodes.research.experiments.comparison.models import (
    TRACK_METRICS,
    Entry,
    compare_models,
    interval,
    paired_interval,
    summarise,
    track_scene,
)
from av_tracker_nodes.research.experiments.comparison.quality import quality_entries
from av_tracker_nodes.research.experiments.comparison.scenes import (
    COMPLETE,
    FIRST_SEED,
    INCOMPLETE,
    Options,
    load_scene,
    make_scenes,
)
from av_tracker_nodes.types import AcousticPeak


def track_one(out, files, entry):
    return track_scene(out, files, [entry])[entry.title]


@pytest.mark.thorough
def test_models_are_scored_on_identical_input(recorded, tmp_path):
    _, files = recorded
    seen = track_one(tmp_path, files, Entry('visual', 'visual'))
    again = track_one(tmp_path, files, Entry('visual again', 'visual'))
    both = track_one(tmp_path, files, Entry('vggcf', 'vggcf'))
    assert {key: seen[key] for key in models.METRICS} == {
        key: again[key] for key in models.METRICS
    }
    assert both['fusion_ms'] > 0
    assert (tmp_path / 'visual' / files.name / 'metrics.json').exists()


def test_taking_an_input_away_takes_it_away(recorded, tmp_path):
    _, files = recorded
    blind = track_one(tmp_path, files, Entry('blind', 'visual', models.WITHOUT_PICTURE))
    assert blind['mota'] == 0
    deaf = track_one(tmp_path, files, Entry('deaf', 'vggcf', models.WITHOUT_SOUND))
    seen = track_one(tmp_path, files, Entry('visual', 'visual'))
    assert deaf['mota'] == pytest.approx(seen['mota'])
    assert not deaf['speaking_f1']


def test_without_a_picture_others_listen_as_if_there_were_no_camera(recorded):
    _, files = recorded
    clip = load_scene(files, 'vggcf')
    place = np.array([0.5, 1.5, 0.3])
    peak = AcousticPeak(place, 0.01 * np.eye(3), place / np.linalg.norm(place), 0.3, 0.9)
    frame = clip.frames[20]
    frame = replace(frame, sound=replace(frame.sound, peaks=(peak,)))

    def heard(model, without):
        faces, sound, image = Entry(model, model, without).given(frame, needs_image=True)
        *_, voice = create_fusion(model).process(faces, sound, clip.rig, image).detections
        return voice.covariance

    for model in ('vggcf', 'stnet'):
        listened = heard('audio', models.WITHOUT_PICTURE)
        np.testing.assert_array_equal(heard(model, models.WITHOUT_PICTURE), listened)
        assert not np.allclose(heard(model, ''), listened)


def test_the_table_has_a_row_an_entry_and_is_written(
    recorded, no_bar, tmp_path, monkeypatch, capsys
):
    _, files = recorded
    monkeypatch.setattr(models, 'record_scenes', lambda *_: [files, files, files])
    options = Options('varied', 'validation', 3, inputs=(COMPLETE, INCOMPLETE))
    entries = [Entry('visual', 'visual', inputs=inputs) for inputs in options.inputs]
    rows = compare_models(tmp_path, options, no_bar, entries)
    assert json.loads((tmp_path / 'models.json').read_text()) == rows
    row, less = rows
    assert row['model'] == less['model'] == 'visual'
    assert row['protocol'] == 'simulated varied, validation, 3 scenes, complete'
    assert less['protocol'] == 'simulated varied, validation, 3 scenes, incomplete'
    assert len(row['mota_scenes']) == 3
    assert row['mota'] == pytest.approx(np.mean(row['mota_scenes']), abs=1e-3)
    assert row['fps'] > 0
    assert row['onnx_mb'] is None
    printed = capsys.readouterr().out
    assert printed.count('visual') == 2
    assert all(column in printed for column in (*models.METRICS, *models.COSTS))
    assert '\N{HORIZONTAL ELLIPSIS}' not in printed


def test_incomplete_scenes_lack_the_middle_of_the_picture_and_half_of_the_sound(recorded):
    _, files = recorded
    whole, less = (load_scene(files, 'vggcf', inputs) for inputs in (COMPLETE, INCOMPLETE))
    picture = less.frames[20].image
    width = picture.shape[1]
    # JPEG smears the edges of what is covered.
    assert np.abs(picture[:, width // 3 + 8 : 2 * width // 3 - 8].astype(int) - 128).max() <= 2
    middles = [
        face.box[0] + face.box[2] / 2 for frame in less.frames for face in frame.faces.faces
    ]
    assert not any(width / 3 + 10 < middle < 2 * width / 3 - 10 for middle in middles)
    both = [
        np.abs(ours.sound.values - theirs.sound.values).max()
        for ours, theirs in zip(whole.frames, less.frames, strict=True)
        if ours.sound.values.size and theirs.sound.values.size
    ]
    assert max(both) > 0.01


def test_a_network_tells_its_size_and_can_be_believed_otherwise(recorded, tmp_path):
    _, files = recorded
    facts = models._network_facts('avclnet')
    assert 0 < facts['params_m'] < 5
    assert 0 < facts['gflops'] <= 0.5
    assert 0 < facts['onnx_mb'] < 20
    entry = Entry('doubtful', 'avclnet', thresholds={'person': 1.0})
    assert track_one(tmp_path, files, entry)['mota'] == 0


def test_trackers_are_compared_by_their_own_scores(recorded, no_bar, tmp_path, monkeypatch):
    _, files = recorded
    monkeypatch.setattr(models, 'record_scenes', lambda *_: [files])
    deaf = TrackerConfig(birth_quality=1.0, confirm_seen=5.0)
    entries = [Entry('usual', 'visual'), Entry('never', 'visual', tracker=deaf)]
    rows = compare_models(
        tmp_path, Options('varied', 'validation', 1), no_bar, entries, TRACK_METRICS, 'trackers'
    )
    assert json.loads((tmp_path / 'trackers.json').read_text()) == rows
    usual, never = rows
    assert usual['purity'] > 50
    assert usual['confirm_s'] < 1
    assert never['purity'] is None
    assert never['hota'] == 0
    assert 'speaking_f1' not in usual


def test_trackers_of_one_fusion_are_run_together_and_do_not_meet(recorded, tmp_path):
    _, files = recorded
    greedy = TrackerConfig(assignment='greedy', reference='previous')
    team = [Entry('usual', 'visual'), Entry('greedy', 'visual', tracker=greedy)]
    assert team[0].fusion == team[1].fusion != Entry('deaf', 'visual', models.WITHOUT_SOUND).fusion
    together = models.track_all(tmp_path / 'team', [files], team, 1, lambda share: None)
    for entry in team:
        alone = track_one(tmp_path / 'alone', files, entry)
        (run,) = together[entry.title]
        for key in TRACK_METRICS:
            np.testing.assert_equal(run[key], alone[key])


def test_recorded_scenes_are_not_recorded_again(recorded, monkeypatch):
    folder, files = recorded
    monkeypatch.setattr(scenes, 'MEASURES', ('vggcf',))
    before = [path.stat().st_mtime_ns for path in files.clips.values()]
    again = scenes._make_scene(
        folder, 'varied', FIRST_SEED['validation'], 1, (COMPLETE, INCOMPLETE)
    )
    assert again == files
    assert [path.stat().st_mtime_ns for path in files.clips.values()] == before


def test_an_unknown_scenario_is_named(tmp_path):
    with pytest.raises(InputError, match='unknown scenario'):
        make_scenes(tmp_path, Options('party', scenes=1), lambda share: None)


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


# ---- thresholds of quality


def test_the_thresholds_that_are_swept_are_those_of_siamese_networks():
    entries = quality_entries('stnet')
    assert len({entry.title for entry in entries}) == len(entries)
    assert all(entry.inputs == COMPLETE for entry in entries)
    for entry in entries:
        replace(QualityThresholds(), **entry.thresholds)


@pytest.mark.thorough
def test_thresholds_decide_what_becomes_of_templates(recorded, tmp_path):
    _, files = recorded
    network = str(write_search_network(tmp_path / 'tiny.onnx', (0.0, 0.0), 0.0))
    shares = {}
    for entry in quality_entries(network):
        run = track_scene(tmp_path, files, [entry])[entry.title]
        shares[entry.name] = summarise(entry.name, 'one scene', [run])
    unaware, always = shares['unaware of quality'], shares['always updated']
    assert (unaware['share_update'], unaware['share_keep'], unaware['share_reset']) == (0, 1, 0)
    assert (always['share_update'], always['share_keep'], always['share_reset']) == (1, 0, 0)
    asis = shares['as it is']
    total = asis['share_update'] + asis['share_keep'] + asis['share_reset']
    assert total == pytest.approx(1, abs=2e-3)


# ---- which network is measured


@pytest.mark.parametrize(
    ('named', 'measured'), [((), 'avclnet/avclnet.onnx'), (('mine.onnx',), 'mine.onnx')]
)
def test_avclnet_is_measured_where_no_network_is_named(monkeypatch, tmp_path, named, measured):
    opened = []
    monkeypatch.setattr(retrieval, 'record_scenes', lambda folder, options, progress_bar: [])
    monkeypatch.setattr(retrieval, 'open_model', lambda path, *_: opened.append(path))
    arguments = ['benchmark', 'retrieval', *named, '--out', str(tmp_path)]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    (path,) = opened
    assert path.parts[-len(Path(measured).parts) :] == Path(measured).parts
