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

"""The pipeline with a camera alone, with microphones alone, and with one microphone."""

from itertools import chain
from pathlib import Path

import cv2
import numpy as np
import pytest

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.fusion import FUSION_MODELS
from av_tracker_nodes.fusion.geometric import GeometricFusion
from av_tracker_nodes.geometry import Camera, MicrophoneArray, Rig, RigidTransform
from av_tracker_nodes.geometry.sensor_rig import ArrayDescription, SensorRig
from av_tracker_nodes.pipeline import Pipeline
from av_tracker_nodes.research.simulation.speech import draw_voices
from av_tracker_nodes.research.simulation.splits import Split
from av_tracker_nodes.types import NANOSECONDS, AudioBlock, ImageFrame, Modality, TrackState

RATE, BLOCK, SECONDS = 16_000, 160, 2.0
START = 7 * NANOSECONDS
# It looks along world x.
AXES = np.array([[0, 0, 1.0], [-1, 0, 0], [0, -1, 0]])
CAMERA = Camera(400, 400, 180, 144, (360, 288), pose=RigidTransform(AXES))
ONE = MicrophoneArray(np.array([[0.0, 0, -0.1]]))
FOUR = MicrophoneArray(np.array([[0, 0.05, 0], [0, -0.05, 0], [0, 0, 0.05], [0, 0, -0.05]]))
BOTH = [name for name in FUSION_MODELS if name not in ('visual', 'audio')]


@pytest.fixture(scope='module')
def portrait():
    """A picture in which one person is seen."""
    path = Path(__file__).parent / 'vision' / 'astronaut_face.png'
    image = np.full((288, 360, 3), 90, np.uint8)
    image[104:184, 140:220] = cv2.resize(cv2.imread(str(path)), (80, 80))
    return image


def stamp(seconds):
    return START + round(seconds * NANOSECONDS)


def images(picture):
    return [ImageFrame(stamp(k / 25), picture) for k in range(int(25 * SECONDS))]


def sound(array):
    """A voice from the front, which all microphones hear alike, in blocks."""
    (person,) = draw_voices(Split.VALIDATION, 1, np.random.default_rng(0))
    mono = np.resize(np.concatenate(person.phrases), int(RATE * SECONDS)).astype(np.float32)
    samples = np.repeat(mono[:, None], len(array.positions), axis=1)
    return [
        AudioBlock(stamp(first / RATE), first, RATE, samples[first : first + BLOCK])
        for first in range(0, len(samples), BLOCK)
    ]


def in_order(*streams):
    return sorted(chain(*streams), key=lambda record: record.stamp)


def summary(frames):
    return [(f.stamp, f.from_image, [(t.id, *t.position) for t in f.tracks]) for f in frames]


def test_vision_alone_tracks_without_microphones_as_with_them(portrait):
    seen, heard = images(portrait), sound(FOUR)
    alone = list(Pipeline(Rig(CAMERA, None), 'visual').run(seen))
    both = list(Pipeline(Rig(CAMERA, FOUR), 'visual').run(in_order(seen, heard)))
    assert [frame.stamp for frame in alone] == [image.stamp for image in seen]
    assert {track.id for track in alone[-1].tracks} == {1}
    assert summary(alone) == summary(both)


def test_images_that_pause_make_no_cycles_of_sound_where_nobody_listens(portrait):
    seen = [image for image in images(portrait) if not 0.5 < (image.stamp - START) / 1e9 < 1.5]
    frames = list(Pipeline(Rig(CAMERA, FOUR), 'visual').run(in_order(seen, sound(FOUR))))
    assert [frame.stamp for frame in frames] == [image.stamp for image in seen]


def test_sound_alone_tracks_without_a_camera():
    frames = list(Pipeline(Rig(None, FOUR), 'audio').run(sound(FOUR)))
    assert not any(frame.from_image for frame in frames)
    (track,) = frames[-1].tracks
    assert track.state == TrackState.CONFIRMED
    assert track.is_speaking
    assert track.box is None
    ahead = track.position / np.linalg.norm(track.position)
    assert abs(ahead[1]) < 0.1


def test_sound_alone_looks_for_no_faces(portrait):
    """The images still say when there is to be an answer."""
    pipeline = Pipeline(Rig(CAMERA, FOUR), 'audio')
    frames = list(pipeline.run(in_order(images(portrait), sound(FOUR))))
    assert sum(frame.from_image for frame in frames) == len(images(portrait))
    assert 'face_detector' not in pipeline.times.summary()


@pytest.mark.parametrize('model', ['vggcf', 'stgcf', 'avclnet'])
def test_who_is_seen_alone_speaks_when_one_microphone_hears_a_voice(model, portrait):
    records = in_order(images(portrait), sound(ONE))
    frames = list(Pipeline(Rig(CAMERA, ONE), model).run(records))
    (track,) = frames[-1].tracks
    assert track.is_speaking
    assert track.modalities == Modality.VISUAL | Modality.AUDIO


@pytest.mark.parametrize('array', [ONE, FOUR])
def test_where_sound_never_comes_faces_are_tracked(array, portrait):
    frames = list(Pipeline(Rig(CAMERA, array), 'vggcf').run(images(portrait)))
    assert [frame.stamp for frame in frames] == [image.stamp for image in images(portrait)]
    (track,) = frames[-1].tracks
    assert track.state == TrackState.CONFIRMED
    assert track.speaking == 0


@pytest.mark.parametrize('model', BOTH)
def test_a_model_of_both_senses_says_which_sensor_it_lacks(model):
    with pytest.raises(InputError, match=f"model '{model}' needs microphones"):
        Pipeline(Rig(CAMERA, None), model)
    with pytest.raises(InputError, match=f"model '{model}' needs a camera"):
        Pipeline(Rig(None, FOUR), model)


def test_a_model_that_was_made_by_hand_is_named_too():
    with pytest.raises(InputError, match="model 'GeometricFusion' needs microphones"):
        Pipeline(Rig(CAMERA, None), GeometricFusion())


def test_sound_alone_of_a_single_microphone_is_refused_once_that_is_known():
    sensors = SensorRig(target_frame='mic_array', sees=False)
    sensors.take(ArrayDescription(ONE, 'mic_array'))
    with pytest.raises(InputError, match='needs two microphones, there is one'):
        list(Pipeline(sensors, 'audio').run(sound(ONE)))


def test_of_a_fast_camera_every_image_is_answered_and_some_are_looked_at(portrait):
    fast = [ImageFrame(stamp(k / 60), portrait) for k in range(90)]
    records = sorted([*fast, *sound(FOUR)], key=lambda record: record.stamp)
    pipeline = Pipeline(Rig(CAMERA, FOUR), 'vggcf')
    frames = [frame for frame in pipeline.run(records) if frame.from_image]
    assert [frame.stamp for frame in frames] == [image.stamp for image in fast]
    assert pipeline.counts['passed over'] == pytest.approx(45, abs=1)
    assert pipeline.counts['faces'] == pytest.approx(45, abs=2)
    states = [[track.state for track in frame.tracks] for frame in frames[20:-1]]
    assert states == [[TrackState.CONFIRMED]] * len(states)
