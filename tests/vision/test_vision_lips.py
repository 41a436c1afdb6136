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

import cv2
import numpy as np
import pytest

from av_tracker_nodes.types import Face, ImageFrame, to_nanoseconds
from av_tracker_nodes.vision import FaceStage
from av_tracker_nodes.vision.lips import LipReader
from av_tracker_nodes.vision.yunet import YuNet

SIZE = 360, 288


@pytest.fixture(scope='module')
def sitter(portrait, face_model):
    """A portrait, its face, and the middle of its mouth."""
    (face,) = YuNet(face_model).detect(portrait)
    return portrait, face, face.landmarks[3:].mean(axis=0)


def still(times):
    return np.zeros(len(times))


def talks(times):
    """Syllables at 4 Hz."""
    return 0.5 + 0.5 * np.sin(2 * np.pi * 4 * times)


def smiles(times):
    """Once, slowly."""
    return 0.3 * np.clip(times - 0.3, 0, 1)


def at_rest(time):
    return 1.0, 0.0, np.zeros(2)


def walks(time):
    return 1.0, 0.0, np.array([120.0 * time - 60.0, 8.0 * np.sin(6 * time)])


def nods(time):
    return 1.0, 12.0 * np.sin(5 * time), np.array([0.0, 6.0 * np.sin(9 * time)])


def comes_near(time):
    return 0.8 + 0.35 * time, 0.0, np.zeros(2)


def film(
    sitter, mouth, move=at_rest, rate=25.0, seconds=1.2, size=0.5, roll=0.0, gain=1.0, noise=2.0,
    jitter=0.008, seed=0,
):  # fmt: skip
    """Pictures of somebody whose mouth is a dark ellipse, and the faces that a detector finds."""
    portrait, face, lips = sitter
    rng = np.random.default_rng(seed)
    times = np.arange(round(seconds * rate)) / rate
    for time, opening in zip(times, mouth(times), strict=True):
        picture = portrait.copy()
        tall = 1.5 + 8.0 * opening
        cv2.ellipse(picture, (lips, (24.0, 2 * tall), 0.0), (30, 25, 40), -1, cv2.LINE_AA)
        scale, angle, shift = move(time)
        matrix = cv2.getRotationMatrix2D((108.0, 108.0), roll + angle, size * scale)
        matrix[:, 2] += np.array(SIZE) / 2 - 108.0 + shift
        small = cv2.GaussianBlur(picture, (0, 0), max(0.4 / (size * scale), 0.3))
        image = cv2.warpAffine(small, matrix, SIZE, borderValue=(90, 90, 90)).astype(float)
        image = np.clip(gain * image + rng.normal(0, noise, image.shape), 0, 255).astype(np.uint8)
        height = size * scale * face.box[3]
        landmarks = face.landmarks @ matrix[:, :2].T + matrix[:, 2]
        landmarks += rng.normal(0, jitter * height, landmarks.shape)
        centre = matrix @ [*(face.box[:2] + face.box[2:] / 2), 1.0]
        width = height * face.box[2] / face.box[3]
        box = np.array([*(centre - [width / 2, height / 2]), width, height])
        yield to_nanoseconds(10.0 + time), image, Face(box, 0.9, landmarks, tracklet=1)


def read(pictures, reader=None):
    """What lips say in each picture."""
    reader = reader or LipReader()
    return np.array([reader.read(image, [face], stamp)[0].lips for stamp, image, face in pictures])


@pytest.mark.parametrize('move', [at_rest, walks, nods, comes_near])
def test_a_mouth_that_opens_talks_and_a_still_one_does_not(sitter, move):
    assert read(film(sitter, talks, move))[-1] > 1.0
    assert read(film(sitter, still, move))[-1] < -1.0


def test_a_smile_is_told_from_talk(sitter):
    assert read(film(sitter, smiles))[-1] < read(film(sitter, talks))[-1] - 1.0


@pytest.mark.parametrize('rate', [10.0, 15.0, 25.0, 30.0, 60.0])
def test_any_rate_of_images_will_do(sitter, rate):
    assert read(film(sitter, talks, rate=rate))[-1] > 1.0
    assert read(film(sitter, still, rate=rate))[-1] < -0.8


@pytest.mark.parametrize(
    'seen',
    [
        {'gain': 0.4},
        {'gain': 1.3},
        {'size': 0.3},
        {'size': 1.1},
        {'roll': 35.0},
        {'roll': -35.0},
        {'noise': 5.0},
        {'jitter': 0.02},
    ],
    ids=str,
)
def test_light_size_tilt_and_noise_do_not_matter(sitter, seen):
    talking, shut = (read(film(sitter, mouth, **seen))[-10:].mean() for mouth in (talks, still))
    assert talking > 0.8
    assert shut < 0.4
    assert talking - shut > 1.2


def test_flicker_of_the_light_is_no_talk(sitter):
    pictures = [
        (stamp, np.clip(image * (0.8 + 0.2 * (k % 6 < 3)), 0, 255).astype(np.uint8), face)
        for k, (stamp, image, face) in enumerate(film(sitter, still))
    ]
    assert read(pictures)[-1] < -1.0


def test_it_tells_nothing_before_it_saw_enough(sitter):
    said = read(film(sitter, talks))
    known = np.isfinite(said)
    assert 7 <= np.argmax(known) <= 12
    assert known[np.argmax(known) :].all()


def turned(face):
    landmarks = face.landmarks.copy()
    landmarks[2] += 0.6 * (landmarks[1] - landmarks[0])
    return replace(face, landmarks=landmarks)


def beside(face, right):
    """The face, so many pixels farther to the right."""
    box = face.box + np.array([right, 0, 0, 0])
    return replace(face, box=box, landmarks=face.landmarks + np.array([right, 0]))


UNSEEN = {
    'turned': lambda image, face: (image, turned(face)),
    'without landmarks': lambda image, face: (image, replace(face, landmarks=None)),
    'collapsed': lambda image, face: (image, replace(face, landmarks=face.landmarks[[0] * 5])),
    'nothing to see': lambda image, face: (np.full_like(image, 128), face),
    'out of the image': lambda image, face: (image, beside(face, 2000)),
}


@pytest.mark.parametrize('change', UNSEEN.values(), ids=UNSEEN)
def test_it_tells_nothing_of_faces_that_show_no_mouth(sitter, change):
    pictures = [(stamp, *change(image, face)) for stamp, image, face in film(sitter, talks)]
    assert np.isnan(read(pictures)).all()


def test_it_tells_nothing_of_small_faces(sitter):
    _, face, _ = sitter
    assert np.isnan(read(film(sitter, talks, size=22 / face.box[3]))).all()
    assert np.isfinite(read(film(sitter, talks, size=26 / face.box[3]))[-1])


def jumps(time):
    return 1.0, 0.0, np.array([40.0 * (-1) ** int(time * 25), 0.0])


def test_it_tells_nothing_of_faces_that_jump(sitter):
    assert np.isnan(read(film(sitter, talks, jumps))).all()


@pytest.mark.parametrize('later', [0.5, -0.7])
def test_a_gap_and_a_clock_that_falls_back_begin_anew(sitter, later):
    reader = LipReader()
    assert np.isfinite(read(film(sitter, talks), reader)[-1])
    moved = [(s + to_nanoseconds(1.2 + later), i, f) for s, i, f in film(sitter, talks)]
    said = read(moved, reader)
    assert np.isnan(said[:6]).all()
    assert said[-1] > 1.0


def test_after_a_reset_nothing_is_known(sitter):
    reader = LipReader()
    *first, last = film(sitter, talks)
    read(first, reader)
    reader.reset()
    assert np.isnan(read([last], reader)[0])


def test_each_face_has_a_mouth_of_its_own(sitter):
    """Two men side by side, of whom one talks."""
    reader = LipReader()
    for left, right in zip(film(sitter, talks), film(sitter, still), strict=True):
        stamp, image, face = left
        wide = np.hstack([image, right[1]])
        other = replace(beside(right[2], SIZE[0]), tracklet=2)
        said = reader.read(wide, [other, face], stamp)
    assert [each.tracklet for each in said] == [2, 1]
    assert said[0].lips < -1 < 1 < said[1].lips


def test_lips_are_read_where_faces_are_found(sitter, face_model):
    for reads, known in ((True, np.isfinite), (False, np.isnan)):
        stage = FaceStage(face_model, reads_lips=reads)
        frames = [
            stage.process(ImageFrame(stamp, image))
            for stamp, image, _ in film(sitter, talks, seconds=0.6)
        ]
        assert known(frames[-1].faces[0].lips)
