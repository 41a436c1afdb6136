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

"""The fit of the coefficients of speech, and the samples that it learns on."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from av_tracker_nodes.acoustics import AcousticConfig
from av_tracker_nodes.acoustics.activity import speech_probability
from av_tracker_nodes.association import TrackerConfig
from av_tracker_nodes.association.speaking import SpeakingFilter
from av_tracker_nodes.geometry.rig_description import NOISE_KINDS
from av_tracker_nodes.research.simulation.rig_sound import rig_of_sound
from av_tracker_nodes.research.training.speech_calibration import (
    USES,
    best_decision,
    calibrate_speech,
    decide_at_once,
    decide_over_time,
    decision_scores,
    features,
    fit_coefficients,
    regress,
    scores_by_microphones,
)
from av_tracker_nodes.research.training.speech_samples import (
    EVERY,
    Samples,
    draw_condition,
    scene_samples,
)

TRUE = np.array([3.0, 0.7, 8.0, 0.5])


def made_up(count=4000, coefficients=TRUE, seed=0, **constant):
    """Samples of one person in which speech is as probable as the coefficients say."""
    rng = np.random.default_rng(seed)
    rows = [
        (n // 100, 0, 0.12 * (n % 100), rng.choice([2, 4, 16]), rng.uniform(0, 0.2), voice, 1.0)
        for n, voice in enumerate(rng.uniform(-4, 4, count))
    ]
    bare = Samples.of([(*row, False, True, False) for row in rows])
    speech = rng.uniform(size=count) < expit(features(bare, 4) @ coefficients)
    return Samples.of([(*row, s, True, not s) for row, s in zip(rows, speech, strict=True)])


def test_features_are_those_of_the_stage():
    samples = made_up(50)
    found = expit(features(samples, 4) @ TRUE)
    places = zip(samples.coherence, samples.microphones, samples.voice, strict=True)
    assert found == pytest.approx([speech_probability(*place, tuple(TRUE)) for place in places])


@pytest.mark.thorough
def test_regression_finds_what_samples_were_drawn_with():
    samples = made_up(20_000)
    assert regress(features(samples, 4), samples.speech) == pytest.approx(TRUE, rel=0.15)


def test_regression_of_what_separates_perfectly_is_finite():
    weights = regress(np.array([[1.0, 1], [-1, 1]]), np.array([True, False]))
    assert np.isfinite(weights).all()
    assert weights[0] > 1


def test_decision_over_time_is_that_of_the_tracker():
    samples = made_up(300)
    odds = np.random.default_rng(3).normal(0, 2, len(samples))
    config, names = TrackerConfig(), ('attack', 'release', 'on', 'off')
    expected = []
    for index, odd in enumerate(odds):
        if index % 100 == 0:
            speaking = SpeakingFilter(*(getattr(config, f'speaking_{n}') for n in names))
        speaking.update(expit(odd), EVERY / 25)
        expected.append(speaking.is_speaking)
    shuffled = np.random.default_rng(4).permutation(len(samples))
    said = decide_over_time(samples.where(shuffled), odds[shuffled])
    assert said.tolist() == np.array(expected)[shuffled].tolist()


def test_scores_leave_out_what_is_not_known():
    rows = [
        (0, 0, t, 4, 0.1, 0.0, 1.0, speech, known, quiet)
        for t, (speech, known, quiet) in enumerate(
            [(1, 1, 0), (1, 1, 0), (0, 1, 0), (0, 1, 1), (1, 0, 0), (0, 0, 1)]
        )
    ]
    scores = decision_scores(Samples.of(rows), np.array([1, 0, 1, 1, 1, 1], bool))
    assert scores['recall'] == pytest.approx(1 / 2)
    assert scores['precision'] == pytest.approx(1 / 3)
    assert scores['false_alarms'] == 1.0


@pytest.mark.thorough
@pytest.mark.parametrize('use', USES.values(), ids=USES)
def test_decision_keeps_false_alarms_rare(use):
    samples = made_up()
    odds = features(samples, 4) @ TRUE
    before = decision_scores(samples, use.decide(samples, odds))
    slope, shift = best_decision(samples, odds, use.decide, use.slopes)
    after = decision_scores(samples, use.decide(samples, slope * odds + shift))
    assert before['false_alarms'] > 0.03
    assert 0.01 < after['false_alarms'] <= 0.03


@pytest.mark.thorough
def test_fit_tells_how_numbers_of_microphones_differ():
    samples, shifted = made_up(8000), made_up(8000, TRUE + np.array([0, 0, 1.0, 0]), seed=1)
    mixed = Samples.join(
        [samples.where(samples.microphones != 4), shifted.where(shifted.microphones == 4)]
    )
    fit = fit_coefficients(mixed, 4, USES['peak'])
    assert fit.constants[4] - fit.constants[16] == pytest.approx(1.0, abs=0.3)
    assert fit.coefficients[:2] == fit.regressed[:2]


@pytest.mark.thorough
def test_fit_of_a_pair_does_not_change_that_of_others():
    samples, shifted = made_up(8000), made_up(8000, TRUE + np.array([0, 0, 0, 3.0]), seed=1)
    mixed = Samples.join(
        [samples.where(samples.microphones != 2), shifted.where(shifted.microphones == 2)]
    )
    assert fit_coefficients(mixed, 4, USES['peak']).regressed == pytest.approx(
        TRUE + np.array([0, 0, 0, 3.0]), rel=0.2
    )


def test_half_a_beam_is_half_as_much_evidence():
    samples = made_up(200)
    halved = replace(samples, share=np.full(len(samples), 0.3))
    assert decide_over_time(samples, np.full(len(samples), 5.0)).any()
    assert not decide_over_time(halved, np.full(len(samples), 5.0)).any()


def test_coefficients_are_judged_by_number_of_microphones():
    samples = made_up(2000)
    rows = scores_by_microphones(samples, TRUE, decide_at_once)
    assert set(rows) == {'all', '2', '4', '16'}
    worse = scores_by_microphones(samples, TRUE * [1, -1, 1, 1], decide_at_once)
    assert worse['all']['log_loss'] > rows['all']['log_loss']
    assert worse['all']['f1'] < rows['all']['f1']


def test_scenes_have_few_and_many_microphones_and_every_noise():
    drawn = [draw_condition(seed)[0] for seed in range(600, 680)]
    kinds = {noise.kind for condition in drawn for noise in condition.noise}
    assert kinds == set(NOISE_KINDS)
    assert {c.scenario for c in drawn} >= {'nobody', 'two_silent', 'three_talking'}
    assert 10 < sum(c.rt60 is not None for c in drawn) < 35


@pytest.mark.thorough
def test_first_scenes_have_two_to_sixteen_microphones():
    counts = {
        len(rig_of_sound(draw_condition(seed)[0].draw(seed, 2.0)).microphones.positions)
        for seed in range(600, 608)
    }
    assert {2, 4, 6, 16} <= counts


@pytest.mark.thorough
def test_samples_of_a_scene(tmp_path):
    seed = next(s for s in range(601, 999, 8) if draw_condition(s)[0].scenario == 'one_talking')
    peaks, faces = scene_samples(seed, tmp_path, 4.0)
    (kept,) = tmp_path.iterdir()
    written = kept.stat().st_mtime_ns
    again, _ = scene_samples(seed, tmp_path, 4.0)
    assert kept.stat().st_mtime_ns == written
    assert np.array_equal(again.voice, peaks.voice)
    assert faces.speech.any()
    assert faces.voice[faces.speech].mean() > faces.voice[~faces.speech].mean() + 1
    assert (faces.quiet == ~faces.speech).all()
    assert (np.abs(faces.voice[faces.share > 0.99]) <= 4 + 1e-6).all()
    assert ((faces.share > 0) & (faces.share <= 1)).all()
    assert (peaks.person == -1).all()


@pytest.mark.thorough
def test_nobody_speaks_where_nobody_is(tmp_path):
    seed = next(s for s in range(600, 999) if draw_condition(s)[0].scenario == 'nobody')
    peaks, faces = scene_samples(seed, tmp_path, 2.0)
    assert not len(faces)
    assert not peaks.speech.any()
    assert peaks.quiet.all()


@pytest.mark.slow
def test_calibration_writes_what_the_stage_takes(tmp_path, no_bar):
    found = calibrate_speech(
        tmp_path, tmp_path / 'sounds', no_bar, scenes={'train': 8, 'validation': 8}
    )
    config = AcousticConfig(peak_speech=found['peak_speech'], face_speech=found['face_speech'])
    assert len(config.face_speech) == len(AcousticConfig().face_speech)
    # The surer the voice, and the more coherent, the likelier is speech.
    assert min(config.face_speech[:2]) > 0
    read = json.loads((tmp_path / 'speech.json').read_text())
    assert read['face_speech'] == list(found['face_speech'])
    assert set(read['validation']) == {'peak_speech', 'face_speech'}
