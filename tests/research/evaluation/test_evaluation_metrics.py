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

import io
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console
from trackeval.metrics import CLEAR, Identity

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.research.evaluation.image_errors import image_errors
from av_tracker_nodes.research.evaluation.metrics import evaluate
from av_tracker_nodes.research.evaluation.mot_scores import (
    clear_scores,
    hota_score,
    trackeval_data,
)
from av_tracker_nodes.research.evaluation.position_errors import inside_ellipsoid, position_errors
from av_tracker_nodes.research.evaluation.speech_scores import (
    face_away_recall,
    speaking_scores,
    voice_scores,
)
from av_tracker_nodes.research.evaluation.table import print_table
from av_tracker_nodes.research.evaluation.track_quality import track_quality

COUNT = 10
# Two metres in front of the camera, left and right; box about 22 x 30 px, half diagonal 18.7 px.
LEFT, RIGHT = [2.0, 0.5, 0.0], [2.0, -0.5, 0.0]
BEHIND = [-2.0, 0.5, 0.0]
GATE = np.hypot(360, 288) / 15


def still(place, count=COUNT):
    return np.tile(np.asarray(place, float), (count, 1))


def test_perfect_run(world, match):
    people = [world.person(1, still(LEFT)), world.person(2, still(RIGHT))]
    matching = match(people, [[world.track(4, LEFT), world.track(9, RIGHT)]] * COUNT)
    scores = clear_scores(matching)
    assert (scores['mota'], scores['idf1'], scores['objects']) == (100, 100, 20)
    assert (scores['ids'], scores['fp'], scores['fn']) == (0, 0, 0)
    assert hota_score(matching) == pytest.approx(100, abs=1e-3)
    errors = image_errors(matching)
    assert errors['mae_px'] < 1e-3
    assert (errors['acc'], errors['mae_share']) == (100, 1)
    assert position_errors(matching)['mae_3d_m'] < 1e-4


def test_known_counts(world, match):
    people = [world.person(1, still(LEFT)), world.person(2, still(RIGHT))]
    good = [world.track(1, LEFT, (3, 4)), world.track(2, RIGHT)]
    swapped = [world.track(2, LEFT), world.track(1, RIGHT)]
    frames = [good] * 4 + [[world.track(1, LEFT, (3, 4))]] * 2 + [swapped] * 3 + [[]]
    frames[0] = [*good, world.track(3, [2.0, 0.0, 0.5])]
    scores = clear_scores(match(people, frames))
    # 20 true boxes: 2 + 2 misses, one stray, two switches in frame 6.
    assert (scores['fn'], scores['fp'], scores['ids']) == (4, 1, 2)
    assert scores['mota'] == pytest.approx(100 * (1 - 7 / 20))
    # Errors of 5 px in six of sixteen matches.
    assert scores['motp_px'] == pytest.approx(5 * 6 / 16, abs=1e-3)
    # IDs kept for 4 + 2 of person 1 and 4 of person 2; 20 true and 17 tracked boxes.
    assert scores['idf1'] == pytest.approx(100 * 2 * 10 / (20 + 17))


def test_gate_is_a_fifteenth_of_the_diagonal(world, match):
    people = [world.person(1, still(LEFT, 2))]
    frames = [[world.track(1, LEFT, (GATE - 0.1, 0))], [world.track(1, LEFT, (GATE + 0.1, 0))]]
    scores = clear_scores(match(people, frames))
    assert (scores['fp'], scores['fn']) == (1, 1)


def test_tracks_without_box_or_with_box_outside_are_no_hypotheses(world, match):
    people = [world.person(1, still(LEFT, 2))]
    beside = world.track(2, [2.0, 1.5, 0.0])
    frames = [[world.track(1, LEFT), world.track(3, LEFT, boxed=False), beside]] * 2
    assert clear_scores(match(people, frames))['fp'] == 0


def test_people_out_of_view_are_no_targets(world, match):
    people = [world.person(1, still(LEFT, 3)), world.person(2, still(BEHIND, 3))]
    scores = clear_scores(match(people, [[world.track(1, LEFT)]] * 3))
    assert (scores['objects'], scores['mota']) == (3, 100)


def test_only_scored_frames_count(world, match):
    scored = np.arange(COUNT) < 4
    matching = match(
        [world.person(1, still(LEFT))], [[]] * 6 + [[world.track(1, LEFT)]] * 4, scored=scored
    )
    assert clear_scores(matching)['fn'] == 4
    assert clear_scores(matching)['fp'] == 0


def test_empty_run(world, match):
    matching = match([world.person(1, still(LEFT))], [[]] * COUNT)
    scores = clear_scores(matching)
    assert (scores['mota'], scores['fn']) == (0, COUNT)
    assert hota_score(matching) == 0
    errors = image_errors(matching)
    assert np.isnan(errors['mae_px'])
    assert (errors['mae_share'], errors['acc']) == (0, 0)
    assert np.isnan(position_errors(matching)['mae_3d_m'])


def test_mean_error_of_unmatched_people(world, match):
    people = [world.person(1, still(LEFT, 4))]
    frames = [
        [],  # not found yet: left out
        [world.track(1, LEFT, (6, 0))],  # matched: 6
        [world.track(1, LEFT, (0, 50))],  # too far for a match, but the only one: 50
        [],  # gone: where it last matched: 6
    ]
    errors = image_errors(match(people, frames))
    assert errors['mae_px'] == pytest.approx((6 + 50 + 6) / 3, abs=2e-3)
    assert errors['mae_share'] == 3 / 4
    assert errors['mae_star_px'] == pytest.approx(6, abs=2e-3)
    assert errors['acc'] == pytest.approx(50)


def test_nearest_track_of_somebody_else_is_no_estimate(world, match):
    people = [world.person(1, still(LEFT, 2)), world.person(2, still(RIGHT, 2))]
    both = [world.track(1, LEFT), world.track(2, RIGHT, (8, 0))]
    errors = image_errors(match(people, [both, [world.track(1, LEFT)]]))
    assert errors['mae_px'] == pytest.approx((0 + 8 + 0 + 8) / 4, abs=2e-3)


def test_success_is_half_the_diagonal_of_the_box(world, match):
    person = world.person(1, still(LEFT, 2))
    half = np.hypot(*person.box[0, 2:]) / 2
    frames = [[world.track(1, LEFT, (half - 0.1, 0))], [world.track(1, LEFT, (half + 0.1, 0))]]
    errors = image_errors(match([person], frames))
    assert errors['acc'] == 50
    assert errors['mae_star_px'] == pytest.approx(half - 0.1, abs=2e-3)


def test_errors_in_space(world, match):
    speaking = np.arange(COUNT) < 4
    person = world.person(1, still(LEFT), speaking)
    near, far = ([LEFT[0] + error, *LEFT[1:]] for error in (0.1, 0.4))
    frames = [[world.track(1, near)]] * 4 + [[world.track(1, far)]] * 6
    errors = position_errors(match([person], frames))
    assert errors['mae_3d_speaking_m'] == pytest.approx(0.1)
    assert errors['mae_3d_silent_m'] == pytest.approx(0.4)
    assert errors['mae_3d_m'] == pytest.approx(0.28)
    # 0.4 m is four standard deviations.
    assert errors['coverage_3sigma'] == pytest.approx(0.4)


def test_ranges_are_compared_along_the_line_of_sight(world, match):
    person = world.person(1, still(LEFT))
    centre = match([person], []).truth.rig.camera.centre
    tracks = [world.track(1, centre + (1 + off) * (LEFT - centre)) for off in (0.02, -0.05, 0.01)]
    errors = position_errors(match([person], [[track] for track in tracks]))
    assert errors['range_error_percent'] == pytest.approx(2.0)
    assert errors['coverage_95'] <= errors['coverage_3sigma']


def test_ellipsoids_of_95_percent_hold_as_many_errors():
    draw = np.random.default_rng(0).normal(size=(20000, 3)) * [0.1, 0.2, 3.0]
    covariance = np.diag([0.01, 0.04, 9.0])[None]
    assert inside_ellipsoid(draw, covariance, 7.815).mean() == pytest.approx(0.95, abs=0.005)


def test_ellipsoid_follows_its_axes():
    covariance = np.diag([1.0, 0.01, 0.01])[None].repeat(3, 0)
    errors = np.array([[2.9, 0, 0], [3.1, 0, 0], [0, 0.31, 0]])
    assert inside_ellipsoid(errors, covariance).tolist() == [True, False, False]


def test_speaking(world, match):
    people = [
        world.person(1, still(LEFT), np.arange(COUNT) < 6),
        world.person(2, still(RIGHT), np.zeros(COUNT, bool)),
    ]
    frames = [
        [
            world.track(1, LEFT, speaking=0.8 if index < 4 else 0.2),
            world.track(2, RIGHT, speaking=0.9 if index == 9 else 0.1),
            *([world.track(3, [2, 0, 0.5], speaking=1.0)] if index == 8 else []),
        ]
        for index in range(COUNT)
    ]
    scores = speaking_scores(match(people, frames))
    # Four hits, two misses, one silent person and one track of nobody said to speak.
    assert scores['speaking_f1'] == pytest.approx(8 / (8 + 2 + 1 + 1))
    assert scores['speaking_precision'] == pytest.approx(4 / 6)
    assert scores['speaking_recall'] == pytest.approx(4 / 6)
    assert scores['speaking_false_share'] == pytest.approx(1 / 14)


def test_speaking_without_labels_is_unknown(world, match):
    people = [world.person(1, still(LEFT), np.ones(COUNT, bool)), world.person(2, still(RIGHT))]
    matching = match(people, [[world.track(1, LEFT, speaking=1.0)]] * COUNT)
    assert np.isnan(speaking_scores(matching)['speaking_f1'])
    assert np.isnan(voice_scores(matching)['voice_recall_10deg'])


def turned(place, degrees):
    """Turn a place about the vertical axis of the arrays."""
    angle = np.deg2rad(degrees)
    rotation = [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    return np.array(rotation) @ place


def test_voices_out_of_view(world, match):
    people = [
        world.person(1, still(BEHIND), np.arange(COUNT) < 8),
        world.person(2, still(LEFT), np.zeros(COUNT, bool)),
    ]
    seen = world.track(2, LEFT)
    angles = [4, 4, 4, 4, 4, 12, 40]

    def heard(angle):
        # Range is not asked for: half as far away.
        return world.track(5, 0.5 * turned(BEHIND, angle), boxed=False, speaking=1.0)

    frames = [[seen, heard(angle)] for angle in angles] + [[seen]] * 3
    matching = match(people, frames)
    scores = voice_scores(matching)
    assert scores['voice_recall_10deg'] == pytest.approx(5 / 8)
    assert scores['voice_direction_median_deg'] == pytest.approx(4, abs=1e-3)
    # The voices at 12 and 40 degrees are nobody's: stray, and the speaker missed.
    assert speaking_scores(matching)['speaking_f1'] == pytest.approx(10 / (10 + 3 + 2))
    assert clear_scores(matching)['fp'] == 0


def test_nobody_speaks_out_of_view(world, match):
    people = [world.person(1, still(BEHIND), np.zeros(COUNT, bool))]
    scores = voice_scores(match(people, [[]] * COUNT))
    assert all(np.isnan(value) for value in scores.values())


def away_person(world, frames_away, speaking_share):
    count = 200
    away = np.where(np.arange(count) < frames_away, 2.5, 0.3)
    speaking = np.arange(count) < speaking_share * frames_away
    return world.person(1, still(LEFT, count), speaking, away)


@pytest.mark.parametrize(
    ('frames_away', 'speaking_share', 'expected'),
    [(150, 1.0, 100 / 150), (150, 0.6, 100 / 150), (150, 0.4, np.nan), (124, 1.0, np.nan)],
)
def test_faces_turned_away(world, match, frames_away, speaking_share, expected):
    person = away_person(world, frames_away, speaking_share)
    matching = match([person], [[world.track(1, LEFT)]] * 100 + [[]] * 100)
    np.testing.assert_allclose(face_away_recall(matching), expected)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_both_libraries_agree(world, match, seed):
    """Random walks, misses, strays and swaps; boxes well apart, so that matches are plain."""
    generator = np.random.default_rng(seed)
    count = 60
    places = np.array([[2.0, 0.7, 0], [2.0, 0, 0], [2.0, -0.7, 0]])
    people = [world.person(i + 1, still(place, count)) for i, place in enumerate(places)]
    ids = [1, 2, 3]
    frames = []
    for _ in range(count):
        if generator.random() < 0.1:
            generator.shuffle(ids)
        tracks = [
            world.track(number, place, generator.normal(0, 9, 2))
            for number, place in zip(ids, places, strict=True)
            if generator.random() < 0.85
        ]
        if generator.random() < 0.2:
            tracks.append(world.track(9, [2.0, 0.3, -0.6]))
        frames.append(tracks)
    matching = match(people, frames)
    ours, data = clear_scores(matching), trackeval_data(matching)
    clear, identity = (
        metric({'THRESHOLD': 0.5, 'PRINT_CONFIG': False}).eval_sequence(data)
        for metric in (CLEAR, Identity)
    )
    assert ours['mota'] == pytest.approx(100 * clear['MOTA'], abs=1e-6)
    assert ours['idf1'] == pytest.approx(100 * identity['IDF1'], abs=1e-6)
    assert ours['ids'] == clear['IDSW']


@pytest.fixture
def recording(world, tmp_path):
    speaking = np.arange(COUNT) < 5
    people = [world.person(1, still(LEFT), speaking)]
    return world.write_sequence(tmp_path, people)


def test_evaluate_writes_every_key(world, recording, tmp_path):
    frames = [[world.track(1, LEFT, (3, 4), speaking=1.0)]] * COUNT
    latency = {'tracker': {'median': 1.0, 'p95': 2.0, 'p99': 3.0}}
    run = {'frames_in': COUNT, 'model': 'vggcf', 'latency_ms': latency, 'seconds': 0.4}
    directory = world.write(tmp_path / 'run', frames, run)
    metrics = evaluate(directory, recording, 1)
    assert json.loads((directory / 'metrics.json').read_text()) == metrics
    expected = {
        'sequence': 'sim00001-1p-0000',
        'camera': 1,
        'simulated': True,
        'model': 'vggcf',
        'mota': 100.0,
        'idf1': 100.0,
        'acc': 100.0,
        'ids': 0,
        'fp': 0,
        'fn': 0,
        'frames_in': COUNT,
        'frames_answered': COUNT,
        'frames_scored': COUNT,
        'latency_ms': latency,
        'seconds': 0.4,
        'face_away_recall': None,
        'voice_recall_10deg': None,
    }
    assert {key: metrics[key] for key in expected} == expected
    assert metrics['mae_px'] == metrics['mae_star_px'] == pytest.approx(5, abs=2e-3)
    assert metrics['motp_px'] == pytest.approx(5, abs=2e-3)
    # A similarity of 1 - 5 / (2 x 30.7) = 0.92 passes 18 of the 19 thresholds.
    assert metrics['hota'] == pytest.approx(100 * 18 / 19, abs=1e-3)
    assert metrics['speaking_f1'] == pytest.approx(2 * 5 / (2 * 5 + 5), abs=1e-4)
    assert metrics['mae_3d_m'] == pytest.approx(0, abs=1e-4)
    assert metrics['coverage_3sigma'] == 1


def test_run_of_another_recording(world, recording, tmp_path):
    directory = world.write(tmp_path / 'run', [[world.track(1, LEFT)]])
    text = (directory / 'tracks.csv').read_text().replace('10.000000000', '99.010000000')
    (directory / 'tracks.csv').write_text(text)
    with pytest.raises(InputError, match='the run is of another recording'):
        evaluate(directory, recording, 1)


def test_missing_run_and_missing_truth(recording, tmp_path):
    with pytest.raises(InputError, match=r'no tracks\.csv'):
        evaluate(tmp_path, recording, 1)
    with pytest.raises(InputError, match='no sequence folder'):
        evaluate(tmp_path, tmp_path / 'nowhere', 1)


def test_table_says_what_is_simulated(world, recording, tmp_path):
    directory = world.write(tmp_path / 'run', [[world.track(1, LEFT)]] * COUNT, {'model': 'gcf'})
    metrics = evaluate(directory, recording, 1)
    console = Console(record=True, width=100, file=io.StringIO())
    print_table([metrics, {**metrics, 'mota': 50.0}], console)
    text = console.export_text()
    assert 'simulated' in text
    assert 'mean' in text
    row = next(line for line in text.splitlines() if 'MOTA' in line)
    assert [cell for cell in row.replace('│', ' ').split() if cell[0].isdigit()] == [
        '100.0',
        '50.0',
        '75.0',
    ]


# ---- how pure tracks are, how soon they come, and tracks of nobody


@pytest.fixture
def quality(world, match):
    """Score a list of tracks for each image against two people who stand still."""
    people = [world.person(1, still(LEFT)), world.person(2, still(RIGHT))]
    return lambda frames: track_quality(match(people, frames))


def test_tracks_that_are_right_from_the_start(world, quality):
    scores = quality([[world.track(4, LEFT), world.track(9, RIGHT)]] * COUNT)
    assert scores == {'purity': 100, 'confirm_s': 0, 'false_tracks': 0}


def test_a_swap_is_impure(world, quality):
    before, after = [world.track(1, LEFT)], [world.track(1, RIGHT)]
    assert quality([before] * 7 + [after] * 3)['purity'] == pytest.approx(70)


def test_a_late_track_takes_time(world, quality):
    scores = quality([[]] * 5 + [[world.track(1, LEFT)]] * 5)
    assert scores['confirm_s'] == pytest.approx(5 * 0.04)


def test_tracks_of_nobody_are_counted_once_each(world, quality):
    ghost, other = world.track(7, [2.0, 0.0, 0.5]), world.track(8, [2.0, 0.0, -0.5])
    frames = [[world.track(1, LEFT), ghost, other]] * 6 + [[world.track(1, LEFT), ghost]] * 4
    assert quality(frames)['false_tracks'] == 2


def test_nothing_tracked_is_nothing_told(quality):
    scores = quality([[]] * COUNT)
    assert np.isnan(scores['purity'])
    assert np.isnan(scores['confirm_s'])
    assert scores['false_tracks'] == 0
