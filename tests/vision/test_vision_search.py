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

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from av_tracker_nodes.geometry.head import overlap
from av_tracker_nodes.types import Face, ImageFrame
from av_tracker_nodes.vision.search import FaceSearch
from av_tracker_nodes.vision.stage import FaceStage
from av_tracker_nodes.vision.tracklets import Tracklets
from av_tracker_nodes.vision.yunet import padded_size, scaled_size

FULL_HD = 1920, 1080
NOBODY = np.zeros((0, 3))
ROUND = 18
"""Images in which all of a picture is looked at: nine tiles, each after the whole."""


class StandIn:
    """Finds what is not black, each grey level one face, where it is given 12 pixels of it."""

    def __init__(self, max_side=800, scale=1.75):
        self.max_side, self.scale, self.nms = max_side, scale, 0.3
        self.pixels = 0

    def detect(self, image, scale=None):
        height, width = image.shape[:2]
        if scale is None:
            scale = min(self.scale, self.max_side / max(height, width))
        self.pixels += math.prod(padded_size(scaled_size((width, height), scale)))
        faces = []
        if size_of(image.shape, scale) != (width, height):
            image = cv2.resize(image, size_of(image.shape, scale), interpolation=cv2.INTER_NEAREST)
        shrink = np.divide((width, height), image.shape[1::-1])
        for level in np.unique(image[image > 0]):
            mask = (image[..., 0] == level).astype(np.uint8)
            for *box, area in cv2.connectedComponentsWithStats(mask)[2][1:].astype(float):
                # Levels in between, where a picture was enlarged, are rims.
                box = np.array(box)
                if min(box[2:]) >= 12 and area > 0.8 * np.prod(box[2:]):
                    corner, size = box[:2] * shrink - 0.5, box[2:] * shrink
                    landmarks = corner + np.full((5, 2), 0.5) * size
                    faces.append(Face(np.hstack([corner, size]), 0.5 + level / 512, landmarks))
        return faces


def size_of(shape, scale):
    return scaled_size((shape[1], shape[0]), scale)


def picture(boxes, size=FULL_HD):
    image = np.zeros((size[1], size[0], 3), np.uint8)
    for level, (left, top, width, height) in enumerate(boxes, 1):
        image[top : top + height, left : left + width] = level
    return image


def watch(images, detector=None):
    """Search successive images; the faces found in each, as the tracklets name them."""
    search, tracklets = FaceSearch(detector or StandIn()), Tracklets()
    found = []
    for k, image in enumerate(images):
        stamp = 40_000_000 * k
        faces = search.detect(image, tracklets.expected(stamp))
        found.append(tracklets.update(faces, stamp))
    return found


@pytest.mark.parametrize('size', [(360, 288), (640, 480), (800, 600), (600, 800), (1, 1)])
def test_what_is_not_larger_is_looked_at_whole(size):
    detector = StandIn()
    image = picture([(0, 0, 30, 30)], size)
    found = FaceSearch(detector).detect(image, np.array([[15.0, 15.0, 30.0]]))
    alone = StandIn()
    expected = alone.detect(image)
    assert detector.pixels == alone.pixels
    assert [face.box.tolist() for face in found] == [face.box.tolist() for face in expected]


@pytest.mark.parametrize('place', [(0, 0), (1896, 0), (950, 530), (630, 352), (1300, 1050)])
def test_a_small_face_anywhere_is_found_in_a_round_and_then_in_every_image(place):
    box = (*place, 22, 28)
    found = watch([picture([box])] * (ROUND + 6))
    first = next(k for k, faces in enumerate(found) if faces)
    assert first < ROUND
    assert [len(faces) for faces in found[first:]] == [1] * (len(found) - first)
    assert {face.tracklet for faces in found[first:] for face in faces} == {1}
    np.testing.assert_allclose(found[-1][0].box, box, atol=2)


def test_a_large_face_is_found_at_once_and_none_twice():
    boxes = [(300, 300, 240, 300), (560, 300, 200, 260), (1500, 40, 90, 110)]
    for faces in watch([picture(boxes)] * ROUND):
        assert len(faces) == 3
        shared = overlap([face.box for face in faces], boxes)
        assert sorted(shared.argmax(axis=1)) == [0, 1, 2]
        assert (shared.max(axis=1) > 0.85).all()


def test_faces_that_walk_keep_their_tracklets_through_windows_tiles_and_the_whole():
    starts = np.array([[200, 400], [700, 500], [1500, 600]])
    steps = np.array([[6, 1], [-4, 0], [3, -3]])
    sizes = [(24, 30), (60, 76), (160, 200)]
    images = [
        picture([(*place, *size) for place, size in zip(starts + k * steps, sizes, strict=True)])
        for k in range(40)
    ]
    found = watch(images)
    for faces in found[ROUND:]:
        assert len(faces) == 3
    assert {face.tracklet for faces in found for face in faces} == {1, 2, 3}


def test_what_the_border_of_a_window_cuts_is_no_face_of_its_own():
    """The window about the small face cuts the large one beside it."""
    boxes = [(600, 500, 24, 30), (640, 400, 200, 250)]
    for faces in watch([picture(boxes)] * (2 * ROUND)):
        assert (overlap([face.box for face in faces], boxes).max(axis=1) > 0.85).all()


@pytest.mark.thorough
def test_a_crowd_is_followed_in_turn():
    """There is no time to look at all of 40 small faces in every image."""
    boxes = [(60 + 180 * (k % 10), 100 + 240 * (k // 10), 20, 25) for k in range(40)]
    detector = StandIn()
    found = watch([picture(boxes)] * (2 * ROUND), detector)
    seen = {round(face.score * 512) for faces in found[-6:] for face in faces}
    assert len(seen) == 40
    assert {face.tracklet for faces in found for face in faces} == set(range(1, 41))


def test_the_same_stream_gives_the_same_faces_again():
    images = [picture([(100 + 9 * k, 300, 22, 28), (900, 90, 120, 150)]) for k in range(30)]
    search = FaceSearch(StandIn())

    def boxes():
        tracklets = Tracklets()
        search.reset()
        for k, image in enumerate(images):
            faces = search.detect(image, tracklets.expected(40_000_000 * k))
            yield [f.box.tolist() for f in tracklets.update(faces, 40_000_000 * k)]

    assert list(boxes()) == list(boxes())


def test_another_size_begins_anew():
    search = FaceSearch(StandIn())
    for size in (FULL_HD, (1280, 720), (720, 1280), (640, 480), FULL_HD):
        (face,) = search.detect(picture([(30, 40, 200, 250)], size), NOBODY)
        np.testing.assert_allclose(face.box, (30, 40, 200, 250), atol=3)


@settings(max_examples=60)
@given(
    width=st.integers(1, 8000),
    height=st.integers(1, 6000),
    max_side=st.integers(200, 1600),
    scale=st.floats(0.25, 4.0),
    faces=st.lists(
        st.tuples(st.floats(-100, 8100), st.floats(-100, 6100), st.floats(1, 5000)), max_size=30
    ),
)
def test_no_image_costs_more_than_the_whole_picture_reduced(width, height, max_side, scale, faces):
    """Whatever is expected where, in any image of a round."""
    image = np.broadcast_to(np.zeros(1, np.uint8), (height, width, 3))
    detector = StandIn(max_side, scale)
    reduced = scaled_size((width, height), min(scale, max_side / max(width, height)))
    bound = math.prod(padded_size(reduced))
    asked = []
    detector.detect = lambda part, scale=None: asked.append((part.shape, scale)) or []
    search = FaceSearch(detector)
    for _ in range(6):
        asked.clear()
        search.detect(image, np.array(faces).reshape(-1, 3))
        assert asked
        cost = sum(
            bound if zoom is None else math.prod(padded_size(scaled_size(shape[1::-1], zoom)))
            for shape, zoom in asked
        )
        assert all(min(shape) > 0 for shape, _ in asked)
        assert cost <= bound


@pytest.mark.parametrize('size', [(1920, 1080), (8000, 6000), (1080, 1920), (900, 500)])
def test_a_round_looks_at_all_of_the_picture(size):
    asked = []

    class Notes(StandIn):
        def detect(self, image, scale=None):
            if scale > self.max_side / max(size) + 1e-9:
                start = (image.__array_interface__['data'][0] - origin) // 3
                top, left = divmod(start, size[0])
                asked.append((left, top, left + image.shape[1], top + image.shape[0]))
            return []

    image = np.zeros((size[1], size[0], 3), np.uint8)
    origin = image.__array_interface__['data'][0]
    search = FaceSearch(Notes())
    for _ in range(ROUND):
        search.detect(image, NOBODY)
    covered = np.zeros((size[1], size[0]), bool)
    for left, top, right, bottom in asked:
        covered[top:bottom, left:right] = True
    assert covered.all()


def test_small_faces_of_a_large_picture(face_model, portrait, clutter):
    """Faces 22 pixels high among clutter, which the reduced picture does not show."""
    image = np.vstack([np.hstack([clutter[(j + k) % 4] for j in range(5)]) for k in range(4)])
    small = cv2.resize(portrait, (42, 42), interpolation=cv2.INTER_AREA)
    corners = [(200, 150), (1000, 500), (1650, 1000), (1300, 250)]
    for left, top in corners:
        image[top : top + 42, left : left + 42] = small
    stage = FaceStage(face_model, reads_lips=False)
    frames = [stage.process(ImageFrame(40_000_000 * k, image)) for k in range(ROUND + 2)]
    true = np.array([[left + 14, top + 8, 17, 22] for left, top in corners])
    shared = overlap(true, [face.box for face in frames[-1].faces])
    assert (shared.max(axis=1) > 0.5).all()
    assert len(frames[-1].faces) == 4
    alone = overlap(true, [f.box for f in stage.detector.detect(image)] or np.zeros((0, 4)))
    assert not (alone > 0.3).any()
