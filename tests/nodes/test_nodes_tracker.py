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

"""The node of the tracker: how people are turned, in which frames, and as whose messages."""

import json
import stat
import tempfile
from types import SimpleNamespace

import numpy as np
import pytest
from builders import CAMERA, LOOKS_ALONG_X
from geometry_msgs.msg import Pose, PoseWithCovariance, Vector3
from node_bench import Kept, tell
from std_msgs.msg import Header

from av_tracker_nodes.association.absent import AbsentPerson
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import MicrophoneArray, RigidTransform
from av_tracker_nodes.geometry.calibration import save_camera, save_microphones
from av_tracker_nodes.nodes import conversions, track_mirror
from av_tracker_nodes.nodes.conversions import xyz
from av_tracker_nodes.nodes.known_people import KnownPeople
from av_tracker_nodes.nodes.tracker import Tracker
from av_tracker_nodes.types import NANOSECONDS, Detection, DetectionFrame, Modality

START = 7 * NANOSECONDS
MOUTH = np.array([2.0, 0.5, 1.2])
CAMERA_PLACE, ARRAY_PLACE = np.array([0.0, 0.0, 1.5]), np.array([0.0, 1.0, 0.75])


@pytest.fixture
def make_tracker(start, tmp_path):
    camera = CAMERA.in_frame(RigidTransform(LOOKS_ALONG_X, CAMERA_PLACE))
    array = MicrophoneArray(0.1 * np.array([[1.0, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]]))
    save_camera(tmp_path / 'camera.yaml', camera, parent='world')
    array_pose = RigidTransform(translation=ARRAY_PLACE)
    save_microphones(tmp_path / 'array.yaml', array, pose=array_pose, parent='world')

    def make(namespace='', **parameters):
        files = {
            f'{name}_calibration': str(tmp_path / f'{name}.yaml') for name in ('camera', 'array')
        }
        node = start(Tracker, namespace, listeners=1, **files, **parameters)
        if node.value('sees'):
            tell(node, 'camera_info', conversions.to_camera_info(camera, START, 'camera_optical'))
        tell(node, 'array_info', conversions.to_array_info(array, START, 'mic_array'))
        return node

    return make


def follow(node, modalities, cycles=40):
    """Somebody who stays and talks, until the tracker is sure."""
    for number in range(cycles):
        detection = Detection(MOUTH, 0.02**2 * np.eye(3), modalities, quality=0.9, speaking=0.95)
        frame = DetectionFrame(START + number * NANOSECONDS // 25, (detection,))
        tell(node, 'fused_detections', conversions.to_detections(frame, 'world'))
    (track,) = node.sent['speaker_tracks'][-1].tracks
    return track


def forward_of(turn):
    pose = RigidTransform.from_quaternion(np.zeros(3), [turn.x, turn.y, turn.z, turn.w])
    return pose.rotation[:, 0]


def towards(place):
    return (place - MOUTH) / np.linalg.norm(place - MOUTH)


@pytest.mark.parametrize(
    ('sees', 'modalities', 'viewpoint'),
    [
        (True, Modality.VISUAL | Modality.AUDIO, CAMERA_PLACE),
        (True, Modality.AUDIO, CAMERA_PLACE),
        (False, Modality.AUDIO, ARRAY_PLACE),
    ],
)
def test_people_look_at_the_sensor_in_every_message(make_tracker, sees, modalities, viewpoint):
    node = make_tracker(sees=sees, publish_tf=True)
    track = follow(node, modalities)
    active = node.sent['active_speaker/pose'][-1]
    told = {
        'track': track.pose.pose.orientation,
        'active': active.pose.pose.orientation,
        'pose': node.sent['speaker_poses'][-1].poses[0].orientation,
        'frame': node.sent['/tf'][-1].transforms[0].transform.rotation,
    }
    for name, turn in told.items():
        np.testing.assert_allclose(forward_of(turn), towards(viewpoint), atol=0.01, err_msg=name)
    assert list(node.sent['active_speaker/pose'][-1].pose.covariance) == list(
        track.pose.covariance
    )
    assert not node.problems


def test_who_is_told_of_in_another_frame_is_not_turned(make_tracker):
    node = make_tracker(target_frame='map')
    turn = follow(node, Modality.VISUAL).pose.pose.orientation
    np.testing.assert_allclose(forward_of(turn), [1, 0, 0])


@pytest.mark.parametrize(
    ('namespace', 'expected'),
    [('', 'speaker_1'), ('robot', 'robot/speaker_1'), ('/fleet/two', 'fleet/two/speaker_1')],
)
def test_frames_of_people_carry_the_namespace(make_tracker, namespace, expected):
    node = make_tracker(namespace, publish_tf=True)
    track = follow(node, Modality.VISUAL)
    (frame,) = node.sent['/tf'][-1].transforms
    assert frame.child_frame_id == expected.replace('1', str(track.id))
    assert frame.header == node.sent['speaker_tracks'][-1].header
    np.testing.assert_array_equal(xyz(frame.transform.translation), xyz(track.pose.pose.position))


class Message(SimpleNamespace):
    """A message of a package that is not installed, with the fields that it is given."""


def made(**defaults):
    return lambda **fields: Message(**{name: make() for name, make in defaults.items()} | fields)


VISION = SimpleNamespace(
    Detection3DArray=made(),
    Detection3D=made(bbox=lambda: Message(center=Pose(), size=Vector3())),
    ObjectHypothesisWithPose=made(
        hypothesis=lambda: Message(class_id='', score=0.0), pose=PoseWithCovariance
    ),
)


def test_people_are_detections_of_vision_msgs(make_tracker, monkeypatch):
    node = make_tracker()
    track, header = follow(node, Modality.VISUAL), Header(frame_id='world')
    sent = Kept(1)
    monkeypatch.setattr(track_mirror, 'vision', VISION)
    monkeypatch.setattr(node, 'advertise', lambda kind, topic: sent)
    track_mirror.TrackMirror(node).publish(header, [track])
    (message,) = sent
    (detection,) = message.detections
    (result,) = detection.results
    assert message.header == detection.header == header
    assert (detection.id, result.hypothesis.class_id) == (str(track.id), 'person')
    assert result.hypothesis.score == track.existence_probability > 0.5
    assert result.pose == track.pose
    assert detection.bbox.center.orientation == track.pose.pose.orientation
    # The mouth is in the lower half of the box, on its middle axis.
    above = xyz(detection.bbox.center.position) - xyz(track.pose.pose.position)
    np.testing.assert_allclose(above, [0, 0, 0.05])
    np.testing.assert_allclose(xyz(detection.bbox.size), [0.15, 0.15, 0.2])


# ---- what a tracker leaves behind for the one after it


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path))
    return tmp_path


def person(id, place):
    return AbsentPerson(id, 10**9, np.array(place, float), 10**18 + id, np.ones(2))


def test_what_is_written_is_read_less_the_looks(folder):
    KnownPeople('a').write([person(3, [1, 2, 0.5]), person(7, [0, -1, 0])], 9)
    people, next_id = KnownPeople('a').read()
    assert next_id == 9
    assert [(p.id, p.born, p.last_evidence) for p in people] == [
        (3, 10**9, 10**18 + 3),
        (7, 10**9, 10**18 + 7),
    ]
    np.testing.assert_array_equal([p.place for p in people], [[1, 2, 0.5], [0, -1, 0]])
    assert [p.embedding for p in people] == [None, None]
    assert KnownPeople('b').read() is None


def test_nobody_else_can_read_it_and_nothing_stays(folder):
    known = KnownPeople('a')
    known.write([person(1, [0, 0, 0])], 2)
    (file,) = folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    known.remove()
    assert list(folder.iterdir()) == []
    known.write([person(1, [0, 0, 0])], 2)
    assert file.exists()


def test_a_file_that_somebody_made_a_link_of_is_not_followed(folder):
    (folder / 'precious').write_text('whole')
    (folder / '.av_tracker-a.json.partial').symlink_to(folder / 'precious')
    with pytest.raises(OSError, match='symbolic'):
        KnownPeople('a').write([], 1)
    assert (folder / 'precious').read_text() == 'whole'


GOOD = {'id': 1, 'born': 1, 'last_evidence': 1, 'place': [0, 0, 0]}


@pytest.mark.parametrize(
    'content',
    [
        [],
        {},
        {'next_id': 2},
        {'next_id': '2', 'people': []},
        {'next_id': 2, 'people': [3]},
        {'next_id': 2, 'people': [{**GOOD, 'id': -1}]},
        {'next_id': 2, 'people': [{**GOOD, 'id': True}]},
        {'next_id': 2, 'people': [{**GOOD, 'place': [0, 0]}]},
        {'next_id': 2, 'people': [{**GOOD, 'place': [0, 0, float('nan')]}]},
        {'next_id': 2, 'people': [{**GOOD, 'place': 'here'}]},
    ],
)
def test_what_is_no_such_file_is_refused(folder, content):
    (folder / 'av_tracker-a.json').write_text(json.dumps(content))
    with pytest.raises(InputError):
        KnownPeople('a').read()


@pytest.mark.parametrize('run', ['', '../a', 'a/b', 'a' * 65, 'a\n'])
def test_names_of_runs(run):
    with pytest.raises(InputError, match='run must be'):
        KnownPeople(run)
