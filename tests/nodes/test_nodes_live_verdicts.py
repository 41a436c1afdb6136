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

"""What is said of a running robot."""

from dataclasses import replace

import numpy as np
import pytest

from av_tracker_nodes.geometry import Camera, MicrophoneArray, RigidTransform
from av_tracker_nodes.geometry.sensor_rig import (
    ArrayDescription,
    CameraDescription,
    SensorRig,
    StampedTransform,
    Transforms,
)
from av_tracker_nodes.nodes.live_verdicts import Heard, Level, Stream, verdicts
from av_tracker_nodes.types import to_nanoseconds

RATE, SECONDS, BEGIN = 16_000, 4.0, 1000.0
SQUARE = MicrophoneArray(0.03 * np.array([[1, 1, 0], [-1, 1, 0], [-1, -1, 0], [1, -1, 0]]))
FORWARDS = np.array([[0, 0, 1], [-1, 0, 0], [0, -1, 0]], float)


def stream(topic, option='', rate=25.0, late=0.05):
    arrivals = [to_nanoseconds(BEGIN + k / rate) for k in range(round(SECONDS * rate))]
    stamps = [arrival - to_nanoseconds(late) for arrival in arrivals]
    return Stream(topic, option, 1, stamps=stamps, arrivals=arrivals)


def silent(topic, option='', **changes):
    return Stream(topic, option, **changes)


def geometry(*missing):
    rig = SensorRig('world')
    camera = Camera(500.0, 500.0, 319.5, 239.5, (640, 480))
    rig.take(CameraDescription(camera, 'eye'))
    rig.take(ArrayDescription(SQUARE, 'ear'))
    poses = {'eye': RigidTransform(FORWARDS), 'ear': RigidTransform()}
    placed = (StampedTransform('world', k, v, 0) for k, v in poses.items() if k not in missing)
    rig.take(Transforms(tuple(placed), is_static=True))
    return rig


def sound(channels=4):
    rng = np.random.default_rng(0)
    size = RATE // 100
    noise = 0.05 * rng.normal(size=(round(SECONDS * RATE), channels)).astype(np.float32)
    return [noise[first : first + size] for first in range(0, len(noise), size)]


def robot(**changes):
    """A robot with which all is well, but for what is changed."""
    well = {
        'images': stream('/image_raw', 'image_topic'),
        'camera_info': stream('/camera_info', 'camera_info_topic'),
        'audio': stream('/audio', 'audio_topic', rate=100.0),
        'array_info': stream('/audio/array_info', 'array_info_topic', rate=0.25),
        'tracks': stream('/speaker_tracks'),
        'size': (640, 480),
        'info_size': (640, 480),
        'sound': sound(),
        'sound_rate': RATE,
        'microphones': SQUARE,
        'geometry': geometry(),
        'diagnostics': {'tracker: stage': (0, 'running')},
        'load': 0.3,
    }
    return Heard(**(well | changes))


def complaints(heard):
    """Lines of what is not right."""
    return [str(verdict) for verdict in verdicts(heard) if verdict.level is not Level.OK]


def test_nothing_is_said_against_what_is_right():
    heard = robot()
    assert complaints(heard) == []
    concerns = [verdict.concern for verdict in verdicts(heard)]
    assert {'images', 'sound', 'levels', 'frames', 'clocks', 'tracks', 'load'} <= set(concerns)
    assert all('\n' not in str(verdict) for verdict in verdicts(heard))


def changed_sound(change):
    samples = np.concatenate(sound())
    change(samples)
    return [samples]


def kill(samples):
    samples[:, 2] = 0


def clip(samples):
    samples[::50, 1] = 1.0


def copy(samples):
    samples[:, 3] = samples[:, 0]


def delay(samples):
    voice = 0.1 * np.random.default_rng(1).normal(size=len(samples))
    samples[:, 0] += np.roll(voice, 1600)
    samples[:, 1:] += voice[:, None]


WRONG = {
    'images elsewhere': (
        {'images': silent('/image_raw', 'image_topic', elsewhere=['/cam/image_raw'])},
        ['nobody publishes /image_raw; the like is on /cam/image_raw: set image_topic'],
    ),
    'no images': (
        {'images': silent('/image_raw', publishers=1)},
        ['nothing came on /image_raw, though'],
    ),
    'slow images': ({'images': stream('/image_raw', rate=2.0)}, ['2.0 a second on /image_raw']),
    'unknown encoding': (
        {'images': replace(stream('/image_raw'), problems={'encoding x is unknown': 100})},
        ['100 of 100 messages on /image_raw: encoding x is unknown'],
    ),
    'sizes': ({'size': (320, 240)}, ['is of images of 640 x 480, but they are 320 x 240']),
    'losses': (
        {'audio': replace(stream('/audio', rate=100.0), lost=100)},
        ['100 of 500 messages on /audio were lost'],
    ),
    'quality of service': (
        {'audio': silent('/audio', publishers=1, mismatches=['/driver: reliability'])},
        ['/audio cannot be heard: /driver: reliability'],
    ),
    'rate of the sound': ({'sound': sound()[::2]}, ['samples a second come, 16000 are said to']),
    'rate of the array': (
        {'microphones': replace(SQUARE, rate=48_000)},
        ['says 48000 Hz, but the sound has 16000 Hz'],
    ),
    'channels': (
        {'microphones': replace(SQUARE, channels=np.arange(1, 5))},
        ['names channel 4, but the sound has 4 channels'],
    ),
    'dead': ({'sound': changed_sound(kill)}, ['channel 2: dead']),
    'clipped': ({'sound': changed_sound(clip)}, ['channel 1: clipped']),
    'copied': ({'sound': changed_sound(copy)}, ['channel 3: copy of channel 0']),
    'processed': ({'sound': changed_sound(delay)}, ['channel 0 comes 100 ms after the others']),
    'camera nowhere': ({'geometry': geometry('eye')}, ["camera: no transform from 'eye'"]),
    'array nowhere': ({'geometry': geometry('ear')}, ["array: no transform from 'ear'"]),
    'no stamps': (
        {'images': replace(stream('/image_raw'), stamps=[0] * 100)},
        ['images have no stamps'],
    ),
    'future': (
        {'images': stream('/image_raw', late=-0.2)},
        ['stamps of images are 0.20 s ahead of the clock'],
    ),
    'clocks apart': (
        {'audio': stream('/audio', rate=100.0, late=30.0)},
        ['sound come 30.00 s after their stamps', 'sound and images are 29.95 s apart'],
    ),
    'a node': ({'diagnostics': {'fusion: stage': (2, 'no model')}}, ['fusion: stage: no model']),
    'no output': (
        {'tracks': silent('/speaker_tracks', publishers=1)},
        ['nothing came on /speaker_tracks'],
    ),
    'load': ({'load': 1.6}, ['160% of the processors']),
}


@pytest.mark.parametrize('case', WRONG)
def test_what_is_wrong_is_said_and_nothing_else(case):
    changes, texts = WRONG[case]
    found = complaints(robot(**changes))
    assert len(found) == len(texts), found
    for line, text in zip(found, texts, strict=True):
        assert line.startswith('WRONG')
        assert text in line


@pytest.mark.parametrize(
    ('changes', 'text'),
    [
        ({'tracks': silent('/speaker_tracks')}, 'no tracker runs'),
        ({'images': stream('/image_raw', late=0.5)}, 'images come 500 ms after their stamps'),
        ({'sound': [2e-4 * block for block in sound()]}, 'very quiet'),
        ({'diagnostics': {'fusion: stage': (1, 'slow')}}, 'fusion: stage: slow'),
        ({'load': 1.0}, '100% of the processors'),
    ],
)
def test_what_may_be_right_is_noted(changes, text):
    (found,) = complaints(robot(**changes))
    assert found.startswith('note')
    assert text in found


def test_a_robot_of_which_nothing_is_heard():
    nothing = robot(
        images=silent('/image_raw', 'image_topic'),
        camera_info=silent('/camera_info'),
        audio=silent('/audio'),
        array_info=silent('/audio/array_info'),
        tracks=silent('/speaker_tracks'),
        size=None,
        info_size=None,
        sound=[],
        sound_rate=0,
        microphones=None,
        geometry=SensorRig('world'),
        diagnostics={},
    )
    found = complaints(nothing)
    assert len(found) == 5
    assert all('nobody publishes' in line for line in found)
