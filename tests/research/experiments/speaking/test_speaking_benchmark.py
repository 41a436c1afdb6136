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

"""The benchmark of who speaks: its scenes, its counts and its tables."""

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from av_tracker_nodes.cli.main import main
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.research.evaluation.sheets import markdown
from av_tracker_nodes.research.evaluation.speech_scores import SpeakingCounts
from av_tracker_nodes.research.experiments.kit.recorded_scenes import truth_of
from av_tracker_nodes.research.experiments.speaking.conditions import CONDITIONS
from av_tracker_nodes.research.experiments.speaking.overlaps import (
    OverlapCounts,
    OverlapTask,
    overlap_scene,
)
from av_tracker_nodes.research.experiments.speaking.quiet import QUIETS, QuietTask, quiet_scene
from av_tracker_nodes.research.experiments.speaking.speaking_benchmark import (
    ConditionTask,
    Options,
    plan,
    rows_of,
)
from av_tracker_nodes.research.experiments.speaking.speaking_scores import (
    SceneScores,
    row_of,
    score_scene,
)
from av_tracker_nodes.research.experiments.speaking.speaking_tables import sheets
from av_tracker_nodes.types import Modality, TrackState

COUNT = 50
MOUTH = np.array([2.0, 0.3, 0.0])
SCORES = SceneScores(SpeakingCounts(8, 2, 1, 10, 1), (0.2, np.inf), (0.1,), 20, 3, 5, 50)


@pytest.fixture
def score(world):
    """Score a track that stays at a place while somebody talks for some images."""

    def run(place, images=COUNT, **track):
        person = world.person(1, np.tile(MOUTH, (COUNT, 1)), np.arange(COUNT) < images)
        frames = world.frames(COUNT, world.track(1, place, speaking=0.4, **track))
        return score_scene(world.truth(person), frames)

    return run


def test_who_is_said_to_speak_counts_whatever_the_probability(score):
    scores = score(MOUTH, is_speaking=True)
    assert scores.counts == SpeakingCounts(hits=COUNT)
    assert (scores.errors, scores.objects, scores.images) == (0, COUNT, COUNT)


def test_tentative_tracks_are_not_scored(score):
    scores = score(MOUTH, is_speaking=True, state=TrackState.TENTATIVE)
    assert scores.counts.misses == COUNT


@pytest.mark.parametrize(
    ('degrees', 'rise', 'modalities', 'state', 'astray'),
    [
        (0, 0.0, Modality.AUDIO, TrackState.CONFIRMED, False),
        (10, 0.0, Modality.AUDIO, TrackState.CONFIRMED, False),
        (25, 0.0, Modality.AUDIO, TrackState.CONFIRMED, True),
        # A flat array does not hear how high a voice is.
        (0, 1.5, Modality.AUDIO, TrackState.CONFIRMED, False),
        (25, 0.0, Modality.AUDIO, TrackState.COASTING, False),
        (25, 0.0, Modality.AUDIO, TrackState.TENTATIVE, False),
        (25, 0.0, Modality.AUDIO | Modality.VISUAL, TrackState.CONFIRMED, False),
    ],
)
def test_voices_astray(score, degrees, rise, modalities, state, astray):
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0]])
    place = np.append(turn @ MOUTH, rise)
    scores = score(place, modalities=modalities, state=state)
    assert scores.astray == astray * COUNT


def test_a_voice_where_somebody_is_silent_is_astray_but_for_a_moment_after_speech(score):
    scores = score(MOUTH, images=20, modalities=Modality.AUDIO)
    assert scores.astray == COUNT - 20 - 5


def test_scores_survive_json():
    assert SceneScores.of_dict(json.loads(json.dumps(SCORES.as_dict()))) == SCORES


def test_row_takes_scenes_together():
    row = row_of([SCORES, replace(SCORES, counts=SpeakingCounts(0, 10, 0, 10, 0))])
    assert row['recall'] == pytest.approx(8 / 20)
    assert row['false_share'] == pytest.approx(1 / 20)
    assert row['astray_share'] == pytest.approx(3 / 20)
    assert row['mota'] == pytest.approx(90.0)
    assert row['onset_s'] is None
    assert row['end_s'] == pytest.approx(0.1)
    assert row['recall_low'] == 0.0
    assert row['recall_high'] == pytest.approx(0.8)


def test_tables_hold_every_part():
    tasks = [plan(replace(Options(), parts=(part,)))[0] for part in Options().parts]
    counted = {'images': 100, 'speaking': 3, 'tracks': 5}
    overlap = vars(OverlapCounts(4, 100, 50, 60, 100, 70, 7))
    found = list(zip(tasks, [SCORES.as_dict(), counted, overlap], strict=True))
    drawn = sheets(rows_of(found))
    text = markdown(drawn, 'Simulated.')
    assert len(drawn) == 4
    assert all('simulated' in sheet.title for sheet in drawn)
    for cell in ('one person', '80', '3.00', '60', '10.0'):
        assert f' {cell} ' in text


def test_conditions_have_names_of_their_own():
    names = [ConditionTask(condition, 0, 1.0).name for condition in CONDITIONS]
    assert len(set(names)) == len(names)


@pytest.mark.thorough
@pytest.mark.parametrize('condition', CONDITIONS, ids=lambda condition: condition.name)
def test_every_condition_can_be_drawn(condition):
    drawn = condition.draw(1600, 3.0)
    true = truth_of(drawn)
    assert max(drawn.rig.camera.size) <= 640
    assert len(drawn.scene.sources) == len(condition.noise)
    assert (drawn.scene.motion is not None) == (condition.motion.kind != 'static')
    assert condition.rt60 in (None, drawn.scene.rt60)
    assert true.visible.any()
    assert true.speaking.any() == ('silent' not in condition.name)


@pytest.mark.thorough
def test_conditions_of_one_scenario_have_the_same_people():
    alike = [
        c for c in CONDITIONS if c.rig.startswith('respeaker') and c.scenario == 'two_talking'
    ]
    scenes = [condition.draw(1600, 3.0).scene for condition in alike]
    assert len(scenes) == 3
    for scene in scenes[1:]:
        for one, other in zip(scenes[0].people, scene.people, strict=True):
            assert np.array_equal(one.speech, other.speech)
            assert np.array_equal(one.mouth, other.mouth)


def test_splits_do_not_share_scenes():
    test, validation = ({t.seed for t in plan(Options(split=s))} for s in ('test', 'validation'))
    assert min(test) >= 2000
    assert min(validation) >= 1000
    assert max(validation) < 2000


@pytest.mark.parametrize('scenes', [0, 41])
def test_so_many_scenes_are_refused(scenes):
    with pytest.raises(InputError, match='choose 1 to 40'):
        plan(Options(scenes=scenes))


@pytest.mark.thorough
@pytest.mark.parametrize('rig', ['uma16_webcam', 'av163'])
def test_many_microphones_find_voices_and_few_ghosts(rig):
    counts = overlap_scene(OverlapTask(rig, 2, 1600, 2.0))
    assert counts.images == 40
    assert counts.found > 0.6 * counts.voices
    assert counts.ghosts < 0.2 * counts.peaks


@pytest.mark.thorough
@pytest.mark.parametrize('scenario', ['nobody', 'two_silent'])
def test_nobody_speaks_in_silence(scenario):
    task = QuietTask(QUIETS[0], 'respeaker_usb_webcam', scenario, 1600, 2.0)
    assert quiet_scene(task, 'vggcf') == {'images': 50, 'speaking': 0, 'tracks': 0}


@pytest.mark.slow
def test_command_measures_once(tmp_path):
    arguments = ['benchmark', 'speaking', '--quick', '--fusion-model', 'vggcf']
    arguments += ['--out', str(tmp_path)]
    first = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert first.exit_code == 0
    rows = json.loads((tmp_path / 'speaking.json').read_text())
    assert {row['table'] for row in rows} == {'conditions', 'quiet', 'overlaps'}
    assert {row['split'] for row in rows} == {'validation'}
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / 'runs').rglob('*.json')}
    CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert kept == {p: p.stat().st_mtime_ns for p in (tmp_path / 'runs').rglob('*.json')}
    assert json.loads((tmp_path / 'speaking.json').read_text()) == rows
