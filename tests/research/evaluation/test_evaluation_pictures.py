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

import cv2
import numpy as np
import pytest
from PIL import Image

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.recordings.bag import BagWriter
from av_tracker_nodes.research.evaluation.loop import write_loop
from av_tracker_nodes.research.evaluation.overlay import SCALE, write_overlay
from av_tracker_nodes.research.evaluation.plots import plot_tracks
from av_tracker_nodes.types import AudioBlock, ImageFrame
from av_tracker_nodes.viewing.palette import bgr_of

COUNT = 8
PLACE = [2.0, 0.3, 0.1]
BESIDE = [0.2, -2.0, 0.1]


@pytest.fixture
def run(world, tmp_path):
    tracks = [
        world.track(1, PLACE, speaking=0.9),
        world.track(2, BESIDE, boxed=False, speaking=0.9),
    ]
    return world.write(tmp_path / 'run', [tracks] * COUNT)


@pytest.fixture
def bag(world, tmp_path):
    noise = np.random.default_rng(0).normal(0, 0.1, (640, 4)).astype(np.float32)
    with BagWriter(tmp_path / 'bag') as writer:
        writer.write_rig(world.rig, world.start)
        for index in range(COUNT):
            stamp = world.start + index * world.period
            image = ImageFrame(stamp, np.full((288, 360, 3), 90, np.uint8))
            writer.write_image(image, world.camera)
            writer.write_audio(AudioBlock(stamp, 640 * index, 16_000, noise))
    return tmp_path / 'bag'


def frames_of(path):
    video = cv2.VideoCapture(str(path))
    frames = []
    while (result := video.read())[0]:
        frames.append(result[1])
    return frames, video.get(cv2.CAP_PROP_FPS)


def near_colour(image, colour):
    return (np.abs(image.astype(int) - colour).max(axis=-1) < 60).any()


@pytest.mark.parametrize('heat', [True, False])
def test_video_shows_every_image_with_its_tracks(world, run, bag, tmp_path, heat):
    shares = []
    out = write_overlay(bag, run, tmp_path / 'new' / 'run.mp4', heat=heat, progress=shares.append)
    frames, rate = frames_of(out)
    assert len(frames) == COUNT
    assert rate == pytest.approx(25)
    assert shares[-1] == 1
    assert [entry.name for entry in out.parent.iterdir()] == ['run.mp4']
    u, v = SCALE * world.camera.project(np.array(PLACE))
    face = frames[-1][int(v) - 60 : int(v) + 40, int(u) - 30 : int(u) + 30]
    assert near_colour(face, bgr_of(1))
    # The voice to the right of the image is shown at its right edge.
    assert near_colour(frames[-1][:, -40:], bgr_of(2))
    assert not near_colour(frames[-1][:-30, :40], bgr_of(2))


def test_no_video_is_left_of_a_bag_without_sound(world, run, tmp_path):
    with BagWriter(tmp_path / 'mute') as writer:
        writer.write_rig(world.rig, world.start)
        image = ImageFrame(world.start, np.zeros((288, 360, 3), np.uint8))
        writer.write_image(image, world.camera)
    with pytest.raises(InputError, match='no messages on /audio'):
        write_overlay(tmp_path / 'mute', run, tmp_path / 'out' / 'run.mp4')
    assert list((tmp_path / 'out').iterdir()) == []


def test_the_loop_shows_the_room_beside_the_video(world, run, bag, tmp_path):
    sequence = world.write_sequence(tmp_path, [world.person(1, np.tile(PLACE, (COUNT, 1)))])
    video = write_overlay(bag, run, tmp_path / 'run.mp4')
    shares = []
    out = write_loop(video, run, sequence, 1, tmp_path / 'loop.webp', 0.2, shares.append)
    with Image.open(out) as loop:
        # Five images at 25 Hz, of which every second one is shown.
        assert (loop.n_frames, loop.size[1]) == (3, 360)
        assert loop.info['loop'] == 0
        loop.seek(2)
        picture = np.asarray(loop.convert('RGB'))[..., ::-1]
    assert shares[-1] == 1
    room = picture[:, -360:]
    for number in (1, 2):
        assert near_colour(room, bgr_of(number))


def test_no_loop_is_made_of_what_is_no_video(world, run, tmp_path):
    sequence = world.write_sequence(tmp_path, [world.person(1, np.tile(PLACE, (COUNT, 1)))])
    (tmp_path / 'run.mp4').write_bytes(b'no video')
    with pytest.raises(InputError, match=r'run\.mp4 has no images'):
        write_loop(tmp_path / 'run.mp4', run, sequence, 1, tmp_path / 'loop.webp')


def test_plot(world, run, tmp_path):
    mouth = np.tile(PLACE, (COUNT, 1))
    person = world.person(1, mouth, np.arange(COUNT) < 4)
    sequence = world.write_sequence(tmp_path, [person])
    picture = cv2.imread(str(plot_tracks(run, sequence, 1, tmp_path / 'tracks.png')))
    assert picture.shape[1] > 1200
    assert near_colour(picture, bgr_of(1))


def test_plot_without_tracks_or_labels(world, tmp_path):
    sequence = world.write_sequence(tmp_path, [world.person(1, np.tile(PLACE, (COUNT, 1)))])
    run = world.write(tmp_path / 'run', [[]] * COUNT)
    assert plot_tracks(run, sequence, 1, tmp_path / 'tracks.png').is_file()
