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

import numpy as np
import pytest

from av_tracker_nodes.research.simulation.rasteriser import draw_triangles

RED, GREEN, BLUE = [0, 0, 200], [0, 200, 0], [200, 0, 0]
# Counter-clockwise as seen, with rows that run downwards.
CORNERS = np.array([[2, 2], [2, 17], [17, 2]], np.float32)


def draw(pixels, nearness, colours, triangles, size=20):
    image = np.zeros((size, size, 3), np.uint8)
    buffer = np.zeros((size, size), np.float32)
    draw_triangles(
        image,
        buffer,
        np.asarray(pixels, np.float32),
        np.asarray(nearness, np.float32),
        np.asarray(colours, np.float32),
        np.asarray(triangles, np.int32),
    )
    return image, buffer


def test_triangle_covers_the_pixels_inside_and_no_others():
    image, buffer = draw(CORNERS, [1, 1, 1], [RED] * 3, [[0, 1, 2]])
    y, x = np.mgrid[:20, :20]
    inside = (x > 2) & (y > 2) & (x + y < 19)
    outside = (x < 2) | (y < 2) | (x + y > 19)
    assert (image[inside] == RED).all()
    assert (image[outside] == 0).all()
    assert (buffer[outside] == 0).all()


@pytest.mark.parametrize('order', [[0, 1], [1, 0]])
def test_nearer_triangle_hides_the_farther_in_either_order(order):
    pixels = np.concatenate([CORNERS, CORNERS])
    triangles = np.array([[0, 1, 2], [3, 4, 5]])[order]
    image, buffer = draw(pixels, [0.5] * 3 + [0.8] * 3, [RED] * 3 + [GREEN] * 3, triangles)
    assert (image[5, 5] == GREEN).all()
    assert buffer[5, 5] == pytest.approx(0.8)


def test_triangles_that_turn_away_or_lie_behind_the_camera_are_not_drawn():
    image, _ = draw(CORNERS, [1, 1, 1], [RED] * 3, [[0, 2, 1]])
    assert not image.any()
    behind = CORNERS.copy()
    behind[1] = np.nan
    image, _ = draw(behind, [1, 1, 1], [RED] * 3, [[0, 1, 2]])
    assert not image.any()


def test_triangles_reach_beyond_the_picture():
    pixels = [[-50, -50], [-50, 90], [90, -50]]
    image, _ = draw(pixels, [1, 1, 1], [BLUE] * 3, [[0, 1, 2]])
    assert (image == BLUE).all()


def test_nearness_inside_is_that_of_the_plane():
    # The plane z = 2 + 0.05 X + 0.03 Y seen by a camera of focal length 10 at pixel (10, 10).
    points = np.array([[-1.0, -1.0], [-1.0, 1.2], [1.4, -1.0]])
    z = 2 + points @ [0.05, 0.03]
    pixels = 10 * points / z[:, None] + 10
    _, buffer = draw(pixels, 1 / z, [RED] * 3, [[0, 1, 2]])
    y, x = np.nonzero(buffer)
    assert y.size > 10
    ray = (np.stack([x, y], axis=-1) - 10) / 10
    depth = 2 / (1 - ray @ [0.05, 0.03])
    np.testing.assert_allclose(1 / buffer[y, x], depth, rtol=1e-4)
