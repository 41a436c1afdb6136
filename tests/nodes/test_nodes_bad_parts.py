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

"""One bad track, face, peak or detection never costs the others; one bad message costs itself."""

import math
from dataclasses import replace

import numpy as np
import pytest
from builders import CAMERA, make_track
from hypothesis import given, settings
from hypothesis import strategies as st
from node_bench import catch, facts_of, install, tell

from av_tracker_nodes.acoustics import AcousticStage
from av_tracker_nodes.association import SpeakerTracker
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import MicrophoneArray
from av_tracker_nodes.nodes import conversions, fusion, image_messages
from av_tracker_nodes.nodes.acoustic_map import AcousticMapNode
from av_tracker_nodes.nodes.conversions import to_tracks
from av_tracker_nodes.nodes.face_detector import FaceDetector
from av_tracker_nodes.nodes.tracker import Tracker
from av_tracker_nodes.recordings import messages
from av_tracker_nodes.recordings.plausible import LARGEST_MAP, MOST_PARTS
from av_tracker_nodes.types import (
    NANOSECONDS,
    AcousticMap,
    AcousticPeak,
    Detection,
    DetectionFrame,
    Face,
    FaceFrame,
    FaceSound,
    ImageFrame,
    Modality,
    TrackFrame,
)

STAMP, SIZE = 7 * NANOSECONDS, CAMERA.size
BOX, NOWHERE = np.array([150.0, 120, 30, 40]), np.array([np.nan, 0, 0])
ARRAY = MicrophoneArray(0.1 * np.eye(4, 3))


def place(number):
    return np.array([float(number), 0, 2])


def face(number):
    return Face(BOX, 0.9, tracklet=number)


def detection(number):
    return Detection(place(number), 0.01 * np.eye(3), Modality.VISUAL, BOX, tracklet=number)


def track(number):
    return make_track(number, place(number), box=BOX, speaking=0.5, existence=0.9, born=STAMP)


def peak(number):
    return AcousticPeak(place(number), 0.1 * np.eye(3), np.eye(3)[2], 0.1 * number, 0.9)


def face_sound(number):
    return FaceSound(number, np.zeros((2, 2), np.float32), 0.1, 0.1, place(number), 2.0, 0.1, 0.9)


def sound_of(**parts):
    return replace(AcousticMap.blank(STAMP, 'vggcf'), **parts)


KINDS = {
    'faces': (
        lambda parts: conversions.to_faces(FaceFrame(STAMP, SIZE, parts), 'camera'),
        lambda *args: conversions.from_faces(*args).faces,
        (face, lambda each: each.tracklet),
        [{'box': BOX * np.nan}, {'score': np.inf}, {'embedding': np.ones(2)}, {'lips': np.inf}],
    ),
    'detections': (
        lambda parts: conversions.to_detections(DetectionFrame(STAMP, parts), 'world'),
        lambda *args: conversions.from_detections(*args).detections,
        (detection, lambda each: each.tracklet),
        [
            {'position': NOWHERE},
            {'covariance': np.zeros((3, 3))},
            {'covariance': np.diag([1, 1, -1e-3])},
            {'box': 0 * BOX},
        ],
    ),
    'tracks': (
        lambda parts: to_tracks(TrackFrame(STAMP, parts), 'world'),
        lambda *args: messages.from_tracks(*args).tracks,
        (track, lambda each: each.id),
        [{'position': NOWHERE}, {'covariance': -np.eye(6)}, {'speaking': np.nan}, {'state': 9}],
    ),
    'peaks': (
        lambda parts: conversions.to_acoustic_map(sound_of(peaks=parts), 'array'),
        lambda *args: conversions.from_acoustic_map(*args).peaks,
        (peak, lambda each: round(10 * each.score)),
        [{'position': NOWHERE}, {'covariance': np.tri(3)}],
    ),
    'sounds of faces': (
        lambda parts: conversions.to_acoustic_map(sound_of(faces=parts), 'array'),
        lambda *args: conversions.from_acoustic_map(*args).faces,
        (face_sound, lambda each: each.tracklet),
        [{'position': NOWHERE}, {'range': np.nan}],
    ),
}


@pytest.mark.parametrize('kind', KINDS)
@settings(max_examples=20)
@given(data=st.data())
def test_the_good_parts_of_a_message_are_read_and_the_bad_ones_told(kind, data):
    write, read, (make, name_of), faults = KINDS[kind]
    spoilt = data.draw(st.lists(st.none() | st.sampled_from(faults), min_size=1, max_size=5))
    parts = tuple(
        make(number) if fault is None else replace(make(number), **fault)
        for number, fault in enumerate(spoilt, 1)
    )
    message, reasons = write(parts), []
    names = [name_of(each) for each in read(message, reasons.append)]
    assert names == [number for number, fault in enumerate(spoilt, 1) if fault is None]
    assert len(reasons) == len(spoilt) - len(names)
    if reasons:
        with pytest.raises(InputError):
            read(message)


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('count', [MOST_PARTS, MOST_PARTS + 1])
def test_messages_with_thousands_of_parts_are_refused_whole(kind, count):
    write, read, (make, _), _ = KINDS[kind]
    part = make(1)
    message = write((part,) * count)
    if count > MOST_PARTS:
        with pytest.raises(InputError, match=f'{count} parts of a kind'):
            read(message, lambda reason: None)
    else:
        assert len(read(message)) == count


def test_maps_that_nobody_needs_are_refused():
    side = math.isqrt(LARGEST_MAP) + 1
    values = np.zeros((side, side), np.float32)
    sound = sound_of(values=values, pitch=1.0, depth=2.0, coverage=1.0)
    message = conversions.to_acoustic_map(sound, 'array')
    with pytest.raises(InputError, match=f'a map of {side**2} pixels'):
        conversions.from_acoustic_map(message)


@pytest.fixture
def make_node(start):
    def make(kind, **parameters):
        node = start(kind, **parameters)
        if kind is not FaceDetector:
            install(node, CAMERA, ARRAY)
        return node

    return make


def follow(node, stamp, *parts):
    message = conversions.to_detections(DetectionFrame(stamp, parts), 'world')
    tell(node, 'fused_detections', message)
    return [track.id for track in node.sent['speaker_tracks'][-1].tracks]


def test_a_tracker_follows_those_whose_detections_are_sound(make_node):
    node = make_node(Tracker)
    parts = (detection(0), replace(detection(1), covariance=np.zeros((3, 3))), detection(2))
    told = [follow(node, STAMP + k * 40_000_000, *parts) for k in range(5)]
    assert (len(told), told[-1]) == (5, [1, 2])
    facts = facts_of(node)
    assert facts['left out'] == '5'
    assert 'not positive definite' in facts['last left out']


def test_a_tracker_publishes_no_track_that_is_none(make_node, monkeypatch):
    node = make_node(Tracker)
    frame = TrackFrame(STAMP, (track(1), replace(track(2), position=NOWHERE), track(3)))
    monkeypatch.setattr(SpeakerTracker, 'process', lambda *_: frame)
    assert follow(node, STAMP) == [1, 3]
    assert 'track 2' in facts_of(node)['last left out']


def test_fusion_publishes_no_detection_that_is_none(make_node, monkeypatch):
    models = catch(monkeypatch, fusion, 'create_fusion')
    node = make_node(fusion.Fusion, model='vggcf')
    found = DetectionFrame(STAMP, (detection(1), replace(detection(2), box=0 * BOX)))
    monkeypatch.setattr(models[0], 'process', lambda *_: found)
    blank = AcousticMap.blank(STAMP, 'vggcf', from_image=False)
    tell(node, 'acoustic_map', conversions.to_acoustic_map(blank, 'array'))
    (sent,) = node.sent['fused_detections']
    assert [each.tracklet for each in sent.detections] == [1]
    assert facts_of(node)['left out'] == '1'


def hear(node, number, **changes):
    """A hundredth of a second of silence."""
    stamp = STAMP + number * NANOSECONDS // 100
    silence = np.zeros((160, 4), np.int16)
    message = conversions.to_audio(stamp, 160 * number, 16_000, silence, 'array')
    for name, value in changes.items():
        setattr(message, name, value)
    tell(node, 'audio', message)


def test_an_image_is_answered_whatever_happens_to_its_map(make_node, monkeypatch):
    node = make_node(AcousticMapNode)

    def fail(*_):
        raise FloatingPointError('no such luck')

    monkeypatch.setattr(AcousticStage, 'process', fail)
    tell(node, 'camera_info', conversions.to_camera_info(CAMERA, STAMP, 'camera'))
    tell(node, 'faces', conversions.to_faces(FaceFrame(STAMP, SIZE), 'camera'))
    hear(node, 0)
    assert [message.from_image for message in node.sent['acoustic_map']] == [True]
    assert facts_of(node)['last error'] == 'no such luck'


@pytest.mark.parametrize('data', [b'not a picture', b''])
def test_unreadable_images_are_counted_with_the_reason(make_node, data):
    node = make_node(FaceDetector, image_transport='compressed')
    grey = np.full((288, 360, 3), 99, np.uint8)
    for number, spoilt in enumerate((False, True, True, False)):
        frame = ImageFrame(STAMP + 40_000_000 * number, grey)
        message = image_messages.to_compressed_image(frame, 'camera')
        if spoilt:
            message.data = data
        tell(node, 'compressed', message)
    assert len(node.sent['faces']) == 2
    facts = facts_of(node)
    assert (facts['errors'], facts['in']) == ('2', '4')
    assert facts['last error']


def test_a_bad_block_of_sound_costs_itself_alone(make_node):
    node = make_node(AcousticMapNode)
    for number, changes in enumerate(({}, {'channels': 3}, {}, {})):
        hear(node, number, **changes)
    facts = facts_of(node)
    assert (facts['errors'], facts['lost samples']) == ('1', '160')
    assert facts['last error']


def test_the_model_is_not_asked_about_a_map_that_is_none(make_node):
    """Its shape does not fit: the message is refused whole."""
    node = make_node(fusion.Fusion, model='vggcf')
    message = conversions.to_acoustic_map(AcousticMap.blank(STAMP, 'vggcf'), 'array')
    message.rows, message.columns = 3, 3
    tell(node, 'acoustic_map', message)
    assert facts_of(node)['errors'] == '1'
