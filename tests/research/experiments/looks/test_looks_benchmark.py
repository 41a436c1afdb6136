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

"""The benchmark of detection over looks: groups, views, rows, tables and the whole of it."""

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from av_tracker_nodes.cli.main import main
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import Camera
from av_tracker_nodes.research.evaluation.sheets import END, begin_marker
from av_tracker_nodes.research.experiments.looks.group_scores import is_clear, row_of
from av_tracker_nodes.research.experiments.looks.groups import (
    GROUPINGS,
    SKIN_BOUNDS,
    SKIN_GROUPS,
    beard,
    hair_colour,
    luminance,
    skin_group,
)
from av_tracker_nodes.research.experiments.looks.looks_benchmark import (
    ALL,
    FIRST_IDENTITY,
    MOST_PEOPLE,
    Options,
    benchmark_looks,
    rows_of,
    sheets,
)
from av_tracker_nodes.research.experiments.looks.views import CONDITIONS, Eyes, Seen
from av_tracker_nodes.research.simulation.figures import build_figure, traits_of
from av_tracker_nodes.research.simulation.splits import Split
from av_tracker_nodes.research.simulation.studio import View
from av_tracker_nodes.types import Detection, DetectionFrame, Face, FaceFrame, Modality

# ---- who belongs to which group


SOMEBODY = traits_of(0)
BLACK, BROWN, RED = (0.07, 0.06, 0.06), (0.45, 0.32, 0.20), (0.48, 0.22, 0.10)
BLOND, GREY = (0.72, 0.56, 0.34), (0.66, 0.65, 0.63)


def colour_of(value):
    """The neutral colour of an albedo luminance."""
    return np.full(3, value ** (1 / 2.2))


@pytest.mark.parametrize(
    ('colour', 'expected'),
    [((0, 0, 0), 0), ((1, 1, 1), 1), ((0, 1, 0), 0.7152), ((0.5, 0, 0), 0.2126 * 0.5**2.2)],
)
def test_luminance_is_that_of_the_reflected_light(colour, expected):
    assert luminance(colour) == pytest.approx(expected)


def test_thirds_of_the_skin_have_the_same_width_between_the_darkest_and_the_lightest():
    darkest, lightest = luminance([0.34, 0.22, 0.16]), luminance([0.93, 0.75, 0.60])
    assert SKIN_BOUNDS[0] == pytest.approx(darkest)
    assert SKIN_BOUNDS[-1] == pytest.approx(lightest, abs=0.01)
    np.testing.assert_allclose(np.diff(SKIN_BOUNDS), np.ptp(SKIN_BOUNDS) / 3)


@pytest.mark.parametrize('number', range(3))
def test_skin_is_sorted_by_the_luminance_that_the_group_is_named_by(number):
    low, high = SKIN_BOUNDS[number : number + 2]
    assert SKIN_GROUPS[number].endswith(f'{low:.2f} to {high:.2f}')
    for value in (low + 1e-3, (low + high) / 2, high - 1e-3):
        assert skin_group(replace(SOMEBODY, skin=colour_of(value))) == SKIN_GROUPS[number]


def test_the_extremes_of_the_skin_are_in_the_outer_thirds():
    extremes = [replace(SOMEBODY, skin=colour_of(value)) for value in SKIN_BOUNDS[[0, -1]]]
    assert [skin_group(traits) for traits in extremes] == [SKIN_GROUPS[0], SKIN_GROUPS[-1]]


@pytest.mark.parametrize(
    ('style', 'colour', 'group'),
    [
        ('short', BLACK, 'dark'),
        ('short', BROWN, 'dark'),
        ('long', RED, 'dark'),
        ('long', BLOND, 'fair'),
        ('bob', GREY, 'grey'),
        ('cropped', 0.5 * (np.array(BLOND) + GREY), 'grey'),
        ('cropped', 0.2 * np.array(GREY), 'dark'),
        ('bald', BLACK, None),
    ],
)
def test_hair_is_dark_fair_or_grey_where_there_is_some(style, colour, group):
    assert hair_colour(replace(SOMEBODY, hair_style=style, hair=np.array(colour))) == group


@pytest.mark.parametrize(
    ('male', 'strength', 'group'),
    [(1.0, 0.0, 'shaved'), (1.0, 0.3, 'with a beard'), (0.0, 0.0, None)],
)
def test_beards_are_compared_among_men(male, strength, group):
    assert beard(replace(SOMEBODY, male=male, beard=strength)) == group


@pytest.mark.parametrize('trait', GROUPINGS)
def test_everybody_is_in_one_of_the_groups_and_no_group_is_empty(trait):
    group_of, groups = GROUPINGS[trait]
    counts = Counter(group_of(traits_of(identity)) for identity in range(300))
    assert set(counts) - {None} == set(groups)
    if trait not in ('hair colour', 'men'):
        assert None not in counts


@pytest.mark.thorough
def test_the_traits_are_those_of_the_body_that_is_drawn():
    """Of bare skin in the open, as much as reflects is what the traits say."""
    for identity in (1001, 1002, 1003):
        skin = traits_of(identity).skin ** 2.2
        drawn = build_figure(identity, 1.0, 1.6).albedo[:, ::-1]
        assert np.isclose(drawn, skin, rtol=0.02).all(axis=1).mean() > 0.02


# ---- what is counted of the views of one person


CAMERA = Camera(340.0, 340.0, 112.0, 67.0, (224, 224))
MOUTH = np.array([0.0, 0.0, 2.0])
HEIGHT = 0.19 / 0.20 * 34


class Stage:
    """Finds given faces in one picture after the other."""

    def __init__(self, faces):
        self._faces = iter(faces)

    def reset(self):
        pass

    def process(self, frame):
        faces = next(self._faces)
        return FaceFrame(frame.stamp, frame.image.shape[1::-1], tuple(faces))


class Fusion:
    """Takes faces of given scores for people."""

    measure = 'vggcf'

    def __init__(self, least):
        self._least = least

    def reset(self):
        pass

    def process(self, faces, sound, rig, image):
        assert not sound.is_heard
        assert rig.camera.size == image.shape[1::-1]
        people = [
            Detection(MOUTH, np.eye(3), Modality.VISUAL, tracklet=face.tracklet)
            for face in faces.faces
            if face.score >= self._least
        ]
        return DetectionFrame(faces.stamp, tuple(people))


def view():
    return View(np.full((224, 224, 3), 128, np.uint8), CAMERA, MOUTH, 1.0)


def face(score, size=1.0, across=0.0, tracklet=1):
    height = size * HEIGHT
    box = [112 + across - 0.4 * height, 67 - 0.75 * height, 0.8 * height, height]
    return Face(np.array(box), score, tracklet=tracklet)


def test_faces_at_the_mouth_are_found_and_those_that_fusion_keeps_are_kept():
    elsewhere = face(0.95, across=60, tracklet=2)
    pictures = [
        [face(0.9)],
        [face(0.7, size=1.1), elsewhere],
        [face(0.5, size=0.9), elsewhere],
        [elsewhere],
        [],
    ]
    seen = Eyes(Stage(pictures), Fusion(least=0.6)).look([view() for _ in pictures])
    assert (seen.views, seen.found, seen.kept) == (5, 3, 2)
    assert seen.score == pytest.approx(0.7)
    assert seen.size_error == pytest.approx(0.0)


@pytest.mark.parametrize(('size', 'head_scale', 'error'), [(1.2, 1.0, 0.2), (1.2, 1.2, 0.0)])
def test_boxes_are_compared_with_the_true_size_of_the_head(size, head_scale, error):
    views = [replace(view(), head_scale=head_scale)]
    seen = Eyes(Stage([[face(0.9, size)]]), Fusion(0.6)).look(views)
    assert seen.size_error == pytest.approx(error)


def test_of_a_person_who_is_never_found_scores_and_sizes_are_unknown():
    seen = Eyes(Stage([[], []]), Fusion(0.6)).look([view(), view()])
    assert (seen.views, seen.found, seen.kept) == (2, 0, 0)
    assert np.isnan([seen.score, seen.size_error]).all()


def test_clear_pictures_are_left_and_poor_ones_are_small_dim_and_noisy():
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(CONDITIONS['clear'].see(view(), rng).picture, view().picture)
    poor = [CONDITIONS['poor'].see(view(), rng) for _ in range(8)]
    for each in poor:
        assert each.face_height == pytest.approx(16, abs=0.2)
        assert each.picture.shape == (*each.camera.size[::-1], 3)
        assert each.picture.mean() < 0.8 * 128
        assert each.picture.std() > 2
        share = (each.camera.project(MOUTH) + 0.5) / each.camera.size
        np.testing.assert_allclose(share, (CAMERA.project(MOUTH) + 0.5) / CAMERA.size)


# ---- rows and tables


NAN = float('nan')
ALWAYS = Seen(8, 8, 8, 0.9, 0.02)
OFTEN = Seen(8, 6, 3, 0.8, -0.04)
NEVER = Seen(8, 0, 0, NAN, NAN)


def test_people_are_counted_by_views_and_medians_are_over_people():
    row = row_of([ALWAYS, ALWAYS, OFTEN, NEVER])
    assert (row['people'], row['views']) == (4, 32)
    assert row['found_percent'] == pytest.approx(100 * 22 / 32)
    assert row['kept_percent'] == pytest.approx(100 * 19 / 22, abs=1e-3)
    assert (row['score'], row['size_error_percent']) == (0.9, 2.0)
    assert row['found_percent_low'] < row['found_percent'] < row['found_percent_high']
    assert row['found_percent_difference'] is None
    assert row['found_percent_difference_low'] is None


def test_a_group_is_compared_with_the_others():
    row = row_of([OFTEN] * 5, [ALWAYS] * 7)
    assert (row['found_percent'], row['found_percent_difference']) == (75.0, -25.0)
    assert (row['kept_percent'], row['kept_percent_difference']) == (50.0, -50.0)
    assert row['score_difference'] == pytest.approx(-0.1)
    assert row['size_error_percent_difference'] == pytest.approx(-6.0)
    ends = [row[f'found_percent_difference_{end}'] for end in ('low', 'high')]
    assert ends == [-25.0, -25.0]
    assert is_clear(row, 'found_percent')


def test_a_difference_within_chance_is_not_clear():
    row = row_of([ALWAYS, NEVER, OFTEN] * 3, [OFTEN, ALWAYS, NEVER, OFTEN])
    assert row['found_percent_difference_low'] < 0 < row['found_percent_difference_high']
    assert not is_clear(row, 'found_percent')


def test_of_nobody_who_was_found_nothing_is_told():
    row = row_of([NEVER, NEVER], [ALWAYS])
    assert (row['found_percent'], row['kept_percent'], row['score']) == (0.0, None, None)
    assert row['score_difference_low'] is None
    assert not is_clear(row, 'score')


def test_rows_are_of_everybody_and_of_each_group_in_each_condition():
    bearded = replace(SOMEBODY, male=1.0, beard=0.5, hair_style='bald', glasses=True)
    woman = replace(SOMEBODY, male=0.0, beard=0.0, hair_style='long', glasses=False)
    people = [
        (traits, {'clear': ALWAYS, 'poor': poor})
        for traits, poor in [(bearded, OFTEN)] * 3 + [(woman, ALWAYS)] * 2
    ]
    rows = rows_of(people)
    found = {(row['condition'], row['trait'], row['group']): row for row in rows}
    assert len(found) == len(rows)
    assert found['poor', ALL, ALL]['found_percent'] == pytest.approx(100 * 34 / 40)
    bald = found['poor', 'hair', 'bald']
    assert (bald['people'], bald['found_percent_difference']) == (3, -25.0)
    assert found['clear', 'hair', 'bald']['found_percent_difference'] == 0.0
    assert found['poor', 'eyes', 'without']['found_percent_difference'] == 25.0
    # Women have no beard to be compared by, and the bald no colour of hair.
    assert found['poor', 'men', 'with a beard']['found_percent_difference'] is None
    assert sum(row['people'] for key, row in found.items() if key[:2] == ('poor', 'men')) == 3
    colours = [row for key, row in found.items() if key[:2] == ('poor', 'hair colour')]
    assert [row['people'] for row in colours] == [2]
    assert ('poor', 'hair', 'short') not in found
    clear, poor = (sheet.markdown() for sheet in sheets(rows))
    assert '| hair: bald | 3 | 75.0 (75.0 to 75.0) | -25.0 (-25.0 to -25.0) * |' in poor
    assert '| hair: bald | 3 | 100.0 (100.0 to 100.0) | 0.0 (0.0 to 0.0) |' in clear
    assert '| men: with a beard | 3 | 75.0 (75.0 to 75.0) | - |' in poor


def test_people_are_of_the_split():
    for split, first in FIRST_IDENTITY.items():
        assert {Split.of_seed(first), Split.of_seed(first + MOST_PEOPLE - 1)} == {Split(split)}


@pytest.mark.parametrize('people', [0, MOST_PEOPLE + 1])
def test_more_people_than_a_split_has_are_refused(tmp_path, people):
    with pytest.raises(InputError, match='choose 1 to 1000'):
        benchmark_looks(tmp_path / 'out', Options(people=people), None)
    assert not (tmp_path / 'out').exists()


@pytest.mark.thorough
def test_the_command_looks_at_people_and_writes_what_it_found(tmp_path):
    document = tmp_path / 'card.md'
    document.write_text(f'before\n{begin_marker(benchmark_looks.command)}\n{END}\nafter\n')
    arguments = ['benchmark', 'looks', '--out', str(tmp_path / 'out'), '--people', '3']
    arguments += ['--split', 'validation', '--document', str(document)]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    rows = json.loads((tmp_path / 'out' / 'looks.json').read_text())
    assert all(row['simulated'] and row['split'] == 'validation' for row in rows)
    everybody = {row['condition']: row for row in rows if row['group'] == ALL}
    assert set(everybody) == set(CONDITIONS)
    assert everybody['clear']['found_percent'] > 80
    assert everybody['clear']['views'] == 24
    assert {row['trait'] for row in rows} <= {ALL, *GROUPINGS}
    text = (tmp_path / 'out' / 'looks.md').read_text()
    assert 'no measurement of real people' in text
    assert text in document.read_text()
    assert document.read_text().startswith('before')
