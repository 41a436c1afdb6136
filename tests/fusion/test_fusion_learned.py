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
import onnx
import pytest
from builders import make_sound
from tiny_network import write_network, write_search_network

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.fusion import create_fusion, open_fusion
from av_tracker_nodes.fusion.learned import LearnedFusion
from av_tracker_nodes.fusion.network_session import NetworkSession
from av_tracker_nodes.geometry import Camera, MicrophoneArray, Rig
from av_tracker_nodes.geometry.head import face_box
from av_tracker_nodes.recordings.plausible import check_box, check_numbers
from av_tracker_nodes.types import AcousticPeak, Face, FaceFrame, FaceSound, Modality

CAMERA = Camera(400.0, 400.0, 180.0, 144.0, (360, 288))
RIG = Rig(CAMERA, MicrophoneArray(np.array([[0, 0.5, 1.0], [0.1, 0.5, 1.0], [0, 0.5, 1.1]])))
IMAGE = np.full((288, 360, 3), 90, np.uint8)
ANN, BOB = np.array([0.2, 0.0, 2.0]), np.array([-0.5, 0.1, 2.2])
SURE, UNSURE = 4.0, -4.0
FRAME = 40_000_000


def face(mouth, tracklet=1):
    return Face(face_box(CAMERA, mouth), 0.9, None, tracklet, np.eye(3)[0])


def voice(mouth):
    mouth = np.asarray(mouth, float)
    away = mouth - RIG.microphones.centre
    return AcousticPeak(mouth, 0.01 * np.eye(3), away / np.linalg.norm(away), 0.3, 0.9)


def detect(fusion, faces=(), voices=(), stamp=FRAME, image=IMAGE, heard=(), rig=RIG):
    field = np.zeros((96, 120), np.float32)
    sound = make_sound(voices, heard, stamp=stamp, measure='vwswe', values=field)
    seen = FaceFrame(stamp, (360, 288), tuple(faces))
    return fusion.process(seen, sound, rig, image).detections


def network(tmp_path, person=SURE, visible=SURE, speaking=SURE, offset=(0, 0, 0), kinds=None):
    bias = [*offset, np.log(0.1), np.log(0.05), person, visible, speaking]
    return LearnedFusion(NetworkSession(write_network(tmp_path / 'tiny.onnx', bias, kinds)))


def test_a_face_is_moved_by_the_offset_and_judged(tmp_path):
    (still,) = detect(network(tmp_path, speaking=UNSURE), [face(ANN)])
    (moved,) = detect(network(tmp_path, offset=(0.5, 0.0, 0.0)), [face(ANN)])
    assert np.linalg.norm(moved.position - still.position) == pytest.approx(0.1, rel=0.05)
    np.testing.assert_allclose(moved.box, face_box(CAMERA, moved.position))
    # Seven parts the network, three parts the sound, in which nobody is heard.
    odds = 0.7 * SURE + 0.3 * np.log(0.02 / 0.98)
    assert moved.speaking == pytest.approx(1 / (1 + np.exp(-odds)))
    assert moved.modalities == Modality.VISUAL | Modality.AUDIO
    assert still.modalities == Modality.VISUAL
    assert moved.tracklet == 1
    deviations = np.sqrt(np.linalg.eigvalsh(moved.covariance))
    distance = np.linalg.norm(moved.position - CAMERA.centre)
    np.testing.assert_allclose(
        sorted(deviations), sorted([0.025, 0.025, 0.076 * distance]), rtol=0.1
    )


@pytest.mark.parametrize('speaking', [SURE, UNSURE])
def test_where_cones_are_heard_sound_alone_tells_who_speaks(tmp_path, speaking):
    line = Rig(CAMERA, MicrophoneArray(np.array([[-0.05, 0, 0], [0.05, 0, 0]])))
    heard = FaceSound(1, np.zeros((12, 12), np.float32), 0.3, 0.1, ANN, 2.0, 0.1, 0.8)
    (ann,) = detect(network(tmp_path, speaking=speaking), [face(ANN)], heard=[heard], rig=line)
    assert ann.speaking == pytest.approx(0.8)


def test_a_measured_range_stays_as_it_is(tmp_path):
    distance = float(np.linalg.norm(ANN))
    told = replace(face(ANN), range=1.2 * distance)
    (moved,) = detect(network(tmp_path, offset=(0.5, 0.0, 0.3)), [told])
    assert np.linalg.norm(moved.position) == pytest.approx(1.2 * distance)
    assert moved.size_gain == 0
    sight = moved.position / np.linalg.norm(moved.position)
    assert np.sqrt(sight @ moved.covariance @ sight) < 0.1


def along(person):
    """Deviation of the range, relative to it."""
    distance = np.linalg.norm(person.position)
    sight = person.position / distance
    return np.sqrt(sight @ person.covariance @ sight) / distance


def test_sound_tells_a_range_beside_that_of_the_network(tmp_path):
    fusion = network(tmp_path, offset=(0, 0, 0.2))
    (silent,) = detect(network(tmp_path, offset=(0, 0, 0.2)), [face(ANN)])
    by_sight = np.linalg.norm(silent.position)
    std = along(silent) * by_sight
    told = {}
    for name, away in (('near', 0.9 * by_sight), ('far', 3 * by_sight)):
        heard = FaceSound(1, np.zeros((12, 12), np.float32), 0.3, 0.1, ANN, away, std, 1.0)
        (told[name],) = detect(fusion, [face(ANN)], heard=[heard])
    assert np.linalg.norm(told['near'].position) == pytest.approx(0.95 * by_sight, rel=2e-3)
    assert told['near'].size_gain == pytest.approx(0.5, abs=0.01)
    assert along(told['near']) * 0.95 == pytest.approx(along(silent) / np.sqrt(2), rel=0.02)
    # Sound that contradicts what is seen is not heard there.
    np.testing.assert_allclose(told['far'].position, silent.position)


def test_no_network_knows_the_size_of_a_head(tmp_path):
    bias = [0, 0, 0, np.log(0.1), np.log(1e-3), SURE, SURE, UNSURE]
    fusion = LearnedFusion(NetworkSession(write_network(tmp_path / 'sure.onnx', bias)))
    (ann,) = detect(fusion, [face(ANN)])
    assert along(ann) > 0.07
    assert ann.size_gain == 1


def test_a_child_is_looked_for_at_the_size_that_it_has_in_the_picture(tmp_path):
    fusion = network(tmp_path, speaking=UNSURE)
    distance = float(np.linalg.norm(ANN))
    for step in range(1, 6):
        told = replace(face(ANN, tracklet=3), range=0.7 * distance)
        (child,) = detect(fusion, [told], stamp=step * FRAME)
    assert np.linalg.norm(child.position) == pytest.approx(0.7 * distance)
    (lost,) = detect(fusion, stamp=6 * FRAME)
    np.testing.assert_allclose(lost.box, face_box(CAMERA, ANN), rtol=0.06)
    assert lost.size_gain == 1


def test_what_is_nobody_is_dropped(tmp_path):
    assert detect(network(tmp_path, person=UNSURE), [face(ANN)], [voice(BOB)]) == ()


def test_a_voice_whose_head_is_seen_is_seen_and_another_stays_a_voice(tmp_path):
    (seen,) = detect(network(tmp_path), voices=[voice(BOB)])
    assert seen.modalities & Modality.VISUAL
    assert seen.box is not None
    (heard,) = detect(network(tmp_path, visible=UNSURE), voices=[voice(BOB)])
    assert heard.modalities == Modality.AUDIO
    assert heard.box is None
    np.testing.assert_allclose(heard.position, BOB)


def test_a_head_is_followed_when_its_face_is_lost_and_given_up_when_it_is_not_seen(tmp_path):
    fusion = network(tmp_path, speaking=UNSURE)
    detect(fusion, [face(ANN, tracklet=7)])
    for step in range(2, 60):
        (head,) = detect(fusion, stamp=step * FRAME)
    assert head.tracklet == 7
    assert head.modalities == Modality.VISUAL
    np.testing.assert_allclose(CAMERA.project(head.position), CAMERA.project(ANN), atol=1.5)
    hidden = np.zeros((3, 8))
    hidden[2, 6] = 2 * UNSURE
    blind = network(tmp_path, kinds=hidden)
    detect(blind, [face(ANN)])
    assert detect(blind, stamp=2 * FRAME) == ()


def test_whether_a_remembered_head_speaks_is_up_to_the_network(tmp_path):
    """No sound was laid in a face that is not there: that is no silence."""
    fusion = network(tmp_path)
    detect(fusion, [face(ANN)])
    (head,) = detect(fusion, stamp=2 * FRAME)
    assert head.speaking == pytest.approx(1 / (1 + np.exp(-SURE)))


def test_one_person_is_one_detection(tmp_path):
    fusion = network(tmp_path)
    detect(fusion, [face(ANN, tracklet=1)])
    # The head is remembered, its face is back under another name, and it is heard.
    assert len(detect(fusion, [face(ANN, tracklet=2)], [voice(ANN)], stamp=2 * FRAME)) == 1
    assert len(detect(fusion, [face(ANN, 2), face(BOB, 3)], stamp=3 * FRAME)) == 2


@pytest.mark.parametrize(('speaker', 'people'), [(ANN, 1), (BOB, 2)])
def test_a_voice_of_unknown_range_is_that_of_the_head_in_its_direction(tmp_path, speaker, people):
    unplaced = np.zeros((3, 8))
    unplaced[1, 6] = 3 * UNSURE
    fusion = network(tmp_path, kinds=unplaced)
    for step in range(1, 6):
        detect(fusion, [face(ANN, tracklet=1)], stamp=step * FRAME)
    # The face is lost, the head is still seen, and somebody is heard at half their distance.
    peak = voice(speaker)
    centre = RIG.microphones.centre
    spread = 1e-4 * np.eye(3) + np.outer(peak.direction, peak.direction)
    near = replace(peak, position=centre + 0.5 * (speaker - centre), covariance=spread)
    assert len(detect(fusion, voices=[near], stamp=6 * FRAME)) == people


def test_nothing_is_lost_without_picture_without_sound_and_with_a_crowd(tmp_path):
    fusion = network(tmp_path)
    assert len(detect(fusion, [face(ANN)], image=None)) == 1
    assert detect(fusion, image=None) == ()
    places = [np.array([x, y, 2.0]) for x in np.linspace(-0.6, 0.6, 5) for y in (-0.4, 0.4)]
    crowd = [face(place, tracklet=k + 1) for k, place in enumerate(places)]
    assert len(detect(fusion, crowd)) == 10


def test_reset_forgets_heads(tmp_path):
    fusion = network(tmp_path)
    detect(fusion, [face(ANN)])
    fusion.reset()
    assert detect(fusion, stamp=2 * FRAME) == ()


def test_another_file_is_refused(tmp_path):
    with pytest.raises(InputError, match='not found'):
        LearnedFusion(NetworkSession(tmp_path / 'missing.onnx'))
    (tmp_path / 'text.onnx').write_text('no network')
    with pytest.raises(InputError, match='cannot be loaded'):
        LearnedFusion(NetworkSession(tmp_path / 'text.onnx'))


def test_a_network_of_another_version_is_refused(tmp_path):
    model = onnx.load(write_network(tmp_path / 'network.onnx', [0.0] * 8))
    (sound,) = [each for each in model.graph.input if each.name == 'sound']
    sound.type.tensor_type.shape.dim[1].dim_value += 2
    onnx.save(model, tmp_path / 'older.onnx')
    with pytest.raises(InputError, match='of another version: its input sound is'):
        open_fusion(tmp_path / 'older.onnx')


def test_a_remembered_head_does_not_leap_to_another(tmp_path):
    leaps = np.zeros((3, 8))
    leaps[2, 0] = 0.8
    fusion = network(tmp_path, kinds=leaps)
    detect(fusion, [face(ANN)])
    assert detect(fusion, stamp=2 * FRAME) == ()


# ---- faces at the end of a lens that images nothing to the corners of the picture


# It ends 154 pixels from the middle; the corners are 230 away.
ENDING = replace(RIG, camera=replace(RIG.camera, distortion=np.array([-1.0, 0, 0, 0, 0])))
SIDES = np.array([30.0, 40.0])
SHIFTS = {'still': (0.0, 0.0, 0.0), 'outwards': (2.0, 1.0, 0.0), 'nearer': (0.5, 0.5, -0.7)}


def models(tmp_path, offset):
    bias = [*offset, np.log(0.1), np.log(0.05), SURE, SURE, SURE]
    return {
        'geometric': create_fusion('vggcf'),
        'learned': LearnedFusion(NetworkSession(write_network(tmp_path / 'learned.onnx', bias))),
        'siamese': open_fusion(write_search_network(tmp_path / 'search.onnx', offset[:2], SURE)),
    }


def face_about(pixel, tracklet):
    return Face(np.concatenate([pixel - SIDES / 2, SIDES]), 0.9, None, tracklet, np.eye(3)[0])


@pytest.mark.parametrize('offset', SHIFTS)
@pytest.mark.parametrize('model', ['geometric', 'learned', 'siamese'])
def test_detections_are_finite_and_have_a_whole_box_or_none(tmp_path, model, offset):
    fusion = models(tmp_path, SHIFTS[offset])[model]
    middle = np.array(RIG.camera.size) / 2
    corner = np.array([340.0, 270.0])
    found = []
    for step, share in enumerate(np.linspace(0, 1, 40)):
        faces = [face_about(middle + share * (corner - middle), 1), face_about([150, 150], 2)]
        beside = ENDING.camera.centre + np.array([2.0 * share, 1.5 * share, 2.0])
        found.append(
            detect(fusion, faces[step % 3 == 0 :], [voice(beside)], (step + 1) * FRAME, rig=ENDING)
        )
    assert all(found)
    for detection in sum(found, ()):
        check_numbers('a detection', detection.position, detection.covariance)
        if detection.box is not None:
            check_box('a detection', detection.box)
    assert 1 in {detection.tracklet for detection in found[1]}
    if model == 'geometric':
        # The others remember heads for a while.
        assert 1 not in {detection.tracklet for detection in found[38]}
