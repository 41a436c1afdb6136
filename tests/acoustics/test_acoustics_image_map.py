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

from dataclasses import replace

import numpy as np
import pytest
from acoustic_scenes import RATE, look_at, propagate, two_circles

from av_tracker_nodes.acoustics import kernels
from av_tracker_nodes.acoustics.delays import PairDelays
from av_tracker_nodes.acoustics.gcc_phat import GccPhat
from av_tracker_nodes.acoustics.image_map import ImageMap
from av_tracker_nodes.acoustics.steered_response import steered_response
from av_tracker_nodes.geometry import MicrophoneArray
from av_tracker_nodes.geometry.grid import image_grid

ARRAY = two_circles()
CAMERAS = {
    'corner of the room': look_at([-1.57, 2.01, 1.43], [0.75, 0.2, 0.6]),
    'between the arrays': look_at([0, 0, 0.15], [3, 0, 0.3]),
    'behind the arrays': look_at([-1.5, 0, 0.8], [0.7, 0, 0.2]),
    'wide angle': look_at([0.1, 0, 0.3], [3, 0, 0.5], focal=160.0),
}
DEPTHS = tuple(1 / np.linspace(1 / 0.8, 1 / 5, 5))
PITCH = 3.0


def setting(camera, across=False, array=ARRAY, shape=(96, 120)):
    delays = PairDelays.of(array, across)
    gcc = GccPhat(RATE, delays.longest)
    return delays, gcc, ImageMap(delays, gcc, camera, shape, PITCH)


def cross_of(samples, delays, gcc):
    bins = len(gcc.frequencies)
    whitened = gcc.whiten(gcc.spectra(samples))[None]
    return kernels.weighted_cross(whitened, np.full((1, bins), 1 / bins, np.float32), delays.pairs)


def frame(kind, camera, seed):
    """A voice-like broadband source in noise, or noise alone: the hardest, all of it detail."""
    rng = np.random.default_rng(seed)
    if kind == 'noise':
        return rng.normal(size=(640, 16)).astype(np.float32)
    place = camera.back_project(np.array([210.0, 120.0]), 2.2)
    return propagate([(place, rng.normal(size=2000))], ARRAY, noise=0.3)[1000:1640]


def map_points(camera, depths):
    rays = camera.back_project(image_grid(camera.size, PITCH)) - camera.centre
    return camera.centre + np.array(depths)[:, None, None, None] * rays


@pytest.mark.thorough
@pytest.mark.parametrize('across', [False, True])
@pytest.mark.parametrize('kind', ['source', 'noise'])
@pytest.mark.parametrize('view', CAMERAS)
def test_map_agrees_with_the_exact_steered_response(view, kind, across):
    camera = CAMERAS[view]
    delays, gcc, mapper = setting(camera, across)
    cross = cross_of(frame(kind, camera, seed=11), delays, gcc)
    some = np.random.default_rng(0).integers(0, 5 * 96 * 120, 3000)
    points = map_points(camera, DEPTHS).reshape(-1, 3)[some]
    exact = steered_response(cross, delays, gcc, points)
    error = mapper(gcc.correlate(cross), DEPTHS).ravel()[some] - exact
    assert np.sqrt(np.mean(error**2)) < 0.01 * np.ptp(exact)
    assert np.abs(error).max() < 0.03 * np.ptp(exact)


def test_a_straight_field_is_met_exactly(monkeypatch):
    camera = CAMERAS['between the arrays']

    def along_x(correlation, points, *_):
        return points[:, 0].astype(np.float32)

    monkeypatch.setattr(kernels, 'mean_at_points', along_x)
    mapper = setting(camera)[2]
    expected = map_points(camera, DEPTHS)[..., 0]
    np.testing.assert_allclose(mapper(None, DEPTHS), expected, atol=1e-4)


def test_nodes_are_close_where_arrays_are_near():
    camera = CAMERAS['behind the arrays']
    nodes = [setting(camera)[2].lattices([d])[0].points.shape[1] for d in (1.5, 5.0)]
    assert nodes[0] > 2 * nodes[1]
    all_pairs = setting(camera, across=True)[2].lattices([5.0])[0].points.shape[1]
    assert all_pairs > 2 * nodes[1]


def test_each_depth_is_mapped_once():
    *_, mapper = setting(CAMERAS['corner of the room'])
    found = np.concatenate([lattice.slices for lattice in mapper.lattices(DEPTHS)])
    assert sorted(found) == [0, 1, 2, 3, 4]


def test_order_of_depths_does_not_matter():
    camera = CAMERAS['corner of the room']
    delays, gcc, mapper = setting(camera)
    correlation = gcc.correlate(cross_of(frame('source', camera, 3), delays, gcc))
    there = mapper(correlation, DEPTHS)
    np.testing.assert_array_equal(mapper(correlation, DEPTHS[::-1]), there[::-1])


def test_the_map_follows_a_moving_camera():
    camera = CAMERAS['between the arrays']
    delays, gcc, mapper = setting(camera)
    cross = cross_of(frame('source', camera, 3), delays, gcc)
    correlation = gcc.correlate(cross)
    before = mapper(correlation, DEPTHS)
    moved = replace(camera, pose=CAMERAS['behind the arrays'].pose)
    again = ImageMap(delays, gcc, moved, mapper.shape, PITCH)(correlation, DEPTHS)
    exact = steered_response(cross, delays, gcc, map_points(moved, DEPTHS)[0, ::8, ::8])
    assert np.abs(again[0, ::8, ::8] - exact).max() < 0.03 * np.ptp(again)
    assert np.abs(again - before).max() > 0.1


@pytest.mark.parametrize('shape', [(1, 1), (1, 7), (3, 2), (5, 5)])
def test_small_maps(shape):
    camera = CAMERAS['between the arrays']
    delays, gcc, mapper = setting(camera, shape=shape)
    cross = cross_of(frame('source', camera, 5), delays, gcc)
    rows, columns = shape
    points = map_points(camera, DEPTHS)[:, :rows, :columns]
    exact = steered_response(cross, delays, gcc, points)
    np.testing.assert_allclose(mapper(gcc.correlate(cross), DEPTHS), exact, atol=0.01)


def test_a_pair_of_microphones_and_points_on_them():
    camera = look_at([0, 0, 0], [1, 0, 0])
    array = MicrophoneArray(np.array([[1.0, 0, 0], [1.0, 0.05, 0]]))
    delays, gcc, mapper = setting(camera, array=array)
    samples = frame('noise', camera, 0)[:, :2]
    values = mapper(gcc.correlate(cross_of(samples, delays, gcc)), [1.0])
    assert np.isfinite(values).all()


def test_lattices_take_little_memory():
    *_, mapper = setting(CAMERAS['wide angle'], across=True)
    mapper.lattices(1 / np.linspace(1 / 0.8, 1 / 5, 9))
    assert 0 < mapper.nbytes < 10e6
