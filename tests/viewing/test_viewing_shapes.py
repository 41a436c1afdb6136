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

"""What RViz and rerun draw alike."""

import numpy as np
import pytest
from builders import make_talker
from scipy.spatial.transform import Rotation

from av_tracker_nodes.types import AcousticMap, TrackFrame, TrackState
from av_tracker_nodes.viewing.shapes import caption, ellipsoid, opacity, shown_tracks
from av_tracker_nodes.viewing.sound import draw_overlay, heat, map_layer
from av_tracker_nodes.viewing.trails import Trails


def test_ellipsoid_has_three_deviations_along_its_axes():
    turn = Rotation.from_euler('xyz', [20, -50, 130], degrees=True)
    covariance = turn.as_matrix() @ np.diag([0.01, 0.04, 0.09]) @ turn.as_matrix().T
    half_axes, quaternion = ellipsoid(covariance)
    np.testing.assert_allclose(half_axes, [0.3, 0.6, 0.9])
    axes = Rotation.from_quat(quaternion).as_matrix()
    np.testing.assert_allclose(axes @ np.diag((half_axes / 3) ** 2) @ axes.T, covariance)


def test_ellipsoid_of_certainty_can_still_be_drawn():
    half_axes, _ = ellipsoid(np.zeros((3, 3)))
    assert (half_axes > 0).all()


def test_who_speaks_is_opaque_and_who_is_remembered_faint():
    speaks = make_talker(1)
    silent = make_talker(1, is_speaking=False)
    remembered = make_talker(1, is_speaking=False, state=TrackState.COASTING)
    assert opacity(speaks) == 1
    assert opacity(remembered) == opacity(silent) / 2 < opacity(speaks) / 2


def test_caption_tells_who_speaks():
    assert caption(make_talker(3, speaking=0.9)) == '3: 90% speaks'
    assert caption(make_talker(3, speaking=0.1, is_speaking=False)) == '3: 10%'


def test_tentative_tracks_are_not_shown():
    tracks = make_talker(1), make_talker(2, state=TrackState.TENTATIVE)
    assert [track.id for track in shown_tracks(TrackFrame(0, tracks))] == [1]


def test_trails_grow_and_end_with_their_tracks():
    trails = Trails()
    for step in range(3):
        assert trails.follow([make_talker(1, x=step), make_talker(2)]) == []
    assert trails[1][:, 0].tolist() == [0, 1, 2]
    assert trails.follow([make_talker(1)]) == [2]
    with pytest.raises(KeyError):
        trails[2]


def test_trails_are_of_the_last_seconds():
    trails = Trails()
    for step in range(1000):
        trails.follow([make_talker(1, x=step)])
    assert len(trails[1]) < 100
    assert trails[1][-1, 0] == 999


# ---- the acoustic map over the image


IMAGE = np.full((288, 360, 3), 100, np.uint8)


def make_map(peak=0.5):
    values = np.zeros((96, 120), np.float32)
    values[40, 60] = peak
    return AcousticMap(0, 0, 'gcf', values, 3.0, 2.0, 1.0)


def test_overlay_colours_the_pixel_of_the_peak():
    changed = np.abs(draw_overlay(IMAGE, make_map()).astype(int) - IMAGE).sum(axis=-1)
    row, column = np.unravel_index(changed.argmax(), changed.shape)
    assert (row, column) == (121, 181)
    assert changed[200:, 300:].max() == 0


def test_overlay_of_an_enlarged_image_colours_the_same_place():
    sound = make_map()
    layer = map_layer(AcousticMap(0, 0, 'gcf', sound.values, 6.0, 2.0, 1.0), (720, 576))
    rows, columns = np.nonzero(layer[..., 3] == layer[..., 3].max())
    # Pixel (181, 121) of the image is the four pixels around (362.5, 242.5).
    np.testing.assert_allclose([columns.mean(), rows.mean()], [362.5, 242.5], atol=0.5)


@pytest.mark.parametrize('peak', [0.0, 0.05])
def test_noise_leaves_the_image_as_it_is(peak):
    np.testing.assert_array_equal(draw_overlay(IMAGE, make_map(peak)), IMAGE)


def test_faces_are_boxed_and_the_image_itself_is_left_alone():
    before = IMAGE.copy()
    box = np.array([20.4, 30.0, 40.0, 50.0])
    drawn = draw_overlay(IMAGE, make_map(), [box])
    plain = draw_overlay(IMAGE, make_map())
    changed = np.argwhere((drawn != plain).any(axis=-1))
    assert changed.min(axis=0).tolist() == [30, 20]
    assert changed.max(axis=0).tolist() == [80, 60]
    np.testing.assert_array_equal(IMAGE, before)


def test_no_map_leaves_the_image_as_it_is():
    nothing = AcousticMap(0, 0, 'gcf', np.zeros((0, 0), np.float32), 3.0, 2.0, 0.0)
    np.testing.assert_array_equal(draw_overlay(IMAGE, nothing), IMAGE)


def test_heat_is_full_where_sound_stands_out():
    shares = heat(make_map(0.5))
    assert shares[40, 60] == 1
    assert np.count_nonzero(shares) == 1
