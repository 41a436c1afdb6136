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
from builders import LOOKS_ALONG_X, make_sound

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.fusion import FUSION_MODELS, create_fusion
from av_tracker_nodes.fusion.config import FusionConfig
from av_tracker_nodes.geometry import Camera, MicrophoneArray, Rig, RigidTransform
from av_tracker_nodes.geometry.face import DETECTOR_FACE_HEIGHT, mouth_from_face
from av_tracker_nodes.geometry.head import FACE_HEIGHT, face_box
from av_tracker_nodes.types import AcousticPeak, Face, FaceFrame, FaceSound, Modality

# The camera stands 1 m behind the array, looking along world x.
BEHIND = RigidTransform(LOOKS_ALONG_X, np.array([-1.0, 0, 0]))
CAMERA = Camera(400, 400, 180, 144, (360, 288), pose=BEHIND)
CIRCLE = np.array([[0.1 * np.cos(a), 0.1 * np.sin(a), 0] for a in np.arange(0, 6.28, 0.785)])
# The array frame is turned by 90 degrees and shifted against the target frame.
TURNED = RigidTransform(np.array([[0, -1.0, 0], [1, 0, 0], [0, 0, 1]]), np.array([0, 0.2, 0.0]))
RIG = Rig(CAMERA, MicrophoneArray(CIRCLE), TURNED)


def face_at(mouth, tracklet=1):
    """A face whose size says the right range, as an average head gives it."""
    left, top, width, height = face_box(CAMERA, np.asarray(mouth, float))
    tall = height * DETECTOR_FACE_HEIGHT / FACE_HEIGHT
    return Face(np.array([left, top, width, tall]), 0.9, None, tracklet)


def peak_at(position, speech=0.9, score=0.3):
    local = TURNED.inverse @ np.asarray(position, float)
    direction = local / np.linalg.norm(local)
    return AcousticPeak(local, np.diag([0.01, 0.04, 0.09]), direction, score, speech)


def sound_of(face, distance, std=0.05, speech=0.9):
    ray = CAMERA.rays(mouth_from_face(face.box, face.landmarks))
    position = TURNED.inverse @ (CAMERA.centre + distance * ray)
    return FaceSound(
        face.tracklet, np.zeros((8, 8), np.float32), 0.3, 0.1, position, distance, std, speech
    )


def fuse(model, faces=(), peaks=(), sounds=(), rig=RIG, from_image=True, **numbers):
    sound = make_sound(peaks, sounds, from_image=from_image)
    fusion = create_fusion(model)
    fusion.reconfigure(FusionConfig(**numbers))
    return fusion.process(FaceFrame(5, (360, 288), tuple(faces)), sound, rig)


def along(detection):
    """Deviation along the line of sight."""
    sight = detection.position - CAMERA.centre
    sight /= np.linalg.norm(sight)
    return np.sqrt(sight @ detection.covariance @ sight)


def test_a_silent_face_lies_on_its_line_of_sight_with_doubtful_range():
    face = face_at((1.0, 0.3, 0.1))
    (detection,) = fuse('vggcf', [face]).detections
    np.testing.assert_allclose(
        CAMERA.project(detection.position), mouth_from_face(face.box, face.landmarks), atol=1e-6
    )
    assert detection.modalities == Modality.VISUAL
    assert detection.size_gain == 1.0
    assert along(detection) > 0.1
    assert detection.speaking == 0.0


def test_a_speaking_face_gets_its_range_from_sound():
    face = face_at((1.0, 0.3, 0.1))
    (alone,) = fuse('vggcf', [face]).detections
    (detection,) = fuse('vggcf', [face], sounds=[sound_of(face, 2.2, std=0.02)]).detections
    assert np.linalg.norm(detection.position - CAMERA.centre) == pytest.approx(2.2, abs=0.02)
    assert along(detection) < 0.4 * along(alone)
    assert detection.size_gain < 0.1
    assert detection.modalities == Modality.VISUAL | Modality.AUDIO


def test_both_ranges_combine_as_gaussians():
    face = face_at((1.0, 0.0, 0.0))
    (alone,) = fuse('vggcf', [face]).detections
    by_size, std = np.linalg.norm(alone.position - CAMERA.centre), along(alone)
    sound = sound_of(face, by_size + 0.1, std=std, speech=1.0)
    (both,) = fuse('vggcf', [face], sounds=[sound]).detections
    distance = np.linalg.norm(both.position - CAMERA.centre)
    assert distance == pytest.approx(by_size + 0.05, abs=0.001)
    assert along(both) == pytest.approx(std / np.sqrt(2), rel=0.01)
    assert both.size_gain == pytest.approx(0.5, abs=0.01)


def test_sound_at_an_impossible_range_does_not_move_a_face():
    face = face_at((1.0, 0.0, 0.0))
    (alone,) = fuse('vggcf', [face]).detections
    (both,) = fuse('vggcf', [face], sounds=[sound_of(face, 5.0, std=0.05)]).detections
    np.testing.assert_allclose(both.position, alone.position)


def test_a_peak_behind_a_face_is_its_voice_and_another_one_a_second_person():
    face = face_at((1.0, 0.0, 0.0))
    peaks = [peak_at((1.1, 0.05, 0.05)), peak_at((-0.5, 1.5, 0.3))]
    detections = fuse('vggcf', [face], peaks).detections
    assert [d.modalities for d in detections] == [Modality.VISUAL, Modality.AUDIO]
    np.testing.assert_allclose(detections[1].position, (-0.5, 1.5, 0.3), atol=1e-9)
    assert detections[1].box is None
    # Covariances turn with the array frame: x of the array is y of the target. The range of
    # somebody unseen is in doubt.
    offset = detections[1].position - TURNED @ RIG.microphones.centre
    doubt = detections[1].covariance - np.diag([0.04, 0.01, 0.09])
    np.testing.assert_allclose(doubt, 0.49 * np.outer(offset, offset), atol=1e-3)


def test_only_a_voice_that_a_camera_could_have_seen_is_that_of_somebody_hidden():
    peak = peak_at((-0.5, 1.5, 0.3))
    unseen, looked_at = (
        fuse('vggcf', peaks=[peak], from_image=from_image).detections[0]
        for from_image in (False, True)
    )
    (heard,) = fuse('audio', peaks=[peak]).detections
    np.testing.assert_array_equal(unseen.covariance, heard.covariance)
    assert np.trace(looked_at.covariance) > 5 * np.trace(unseen.covariance)


def test_the_doubt_about_a_voice_leads_away_from_the_axis_of_two_arrays():
    """Echoes from floor, ceiling and the walls beside the axis leave the place along it."""
    aside = np.array([0.4, 0, 0])
    pair = np.concatenate([CIRCLE + aside, CIRCLE - aside])
    rig = Rig(CAMERA, MicrophoneArray(pair), TURNED)
    (voice,) = fuse('vggcf', peaks=[peak_at((1.0, 1.2, 0.5))], rig=rig).detections
    doubt = voice.covariance - np.diag([0.04, 0.01, 0.09])
    # The axis is x of the array, which is y of the target.
    outward = 0.7 * np.array([1.0, 0, 0.5])
    np.testing.assert_allclose(
        doubt[0::2, 0::2], np.outer(outward, outward)[0::2, 0::2], atol=1e-3
    )
    assert np.sqrt(doubt[1, 1]) < 0.05


def test_the_weaker_of_two_voices_is_the_less_certain():
    weak = fuse('vggcf', peaks=[peak_at((1, 1, 0), score=0.3), peak_at((1, -1, 0), score=0.15)])
    alone = fuse('vggcf', peaks=[peak_at((1, -1, 0))])
    extra = weak.detections[1].covariance - alone.detections[0].covariance
    np.testing.assert_allclose(extra, (2**2 - 1) * np.diag([0.04, 0.01, 0.09]), atol=1e-9)


def test_the_place_of_a_voice_that_sets_in_counts_less_until_speech_is_sure():
    def deviation(speech):
        (voice,) = fuse('vggcf', peaks=[peak_at((1, -1, 0), speech=speech)]).detections
        return np.sqrt(voice.covariance[2, 2])

    assert deviation(0.95) == deviation(0.8) == pytest.approx(0.3)
    assert deviation(0.62) > 1.0
    assert deviation(0.5) > deviation(0.62)


@pytest.mark.parametrize(
    ('distance', 'aside', 'people'), [(0.6, 0.14, 1), (0.6, 0.5, 2), (3.0, 0.3, 1), (3.0, 0.7, 2)]
)
def test_the_voice_of_a_face_may_lie_a_step_or_some_degrees_aside(distance, aside, people):
    detections = fuse('vggcf', [face_at((distance, 0, 0))], [peak_at((distance, aside, 0))])
    assert len(detections.detections) == people


def test_sound_that_is_no_speech_is_nobody():
    assert fuse('vggcf', [], [peak_at((-0.5, 1.5, 0.3), speech=0.2)]).detections == ()


@pytest.mark.parametrize(('model', 'count'), [('visual', 1), ('audio', 1), ('stgcf', 2)])
def test_single_senses(model, count):
    face = face_at((1.0, 0.0, 0.0))
    detections = fuse(model, [face], [peak_at((-0.5, 1.5, 0.3))]).detections
    assert len(detections) == count
    if model == 'visual':
        assert detections[0].modalities == Modality.VISUAL
    if model == 'audio':
        assert detections[0].modalities == Modality.AUDIO


def test_stgcf_marks_the_face_in_the_direction_of_the_peak_as_speaking():
    near, far = face_at((1.0, 0.6, 0.0), 1), face_at((1.0, -0.6, 0.0), 2)
    detections = fuse('stgcf', [near, far], [peak_at((1.0, 0.6, 0.0), 0.8)]).detections
    assert [d.speaking for d in detections] == [0.8, 0.0]


def test_an_unknown_model_is_named_with_those_there_are():
    with pytest.raises(InputError, match='vggcf'):
        create_fusion('nonesuch')
    assert set(FUSION_MODELS) >= {'vggcf', 'stgcf', 'visual', 'audio'}


@pytest.mark.parametrize('side', ['left', 'top', 'right', 'bottom'])
def test_a_face_that_the_border_cuts_is_less_certain_the_more_is_cut(side):
    """Along the line of sight and across, relative to the range."""

    def spread(cut):
        box = np.array([150.0, 100.0, 60.0, 80.0])
        axis = 0 if side in ('left', 'right') else 1
        start = -0.5 - cut * box[2 + axis]
        if side in ('right', 'bottom'):
            start = CAMERA.size[axis] - 0.5 - (1 - cut) * box[2 + axis]
        box[axis] = start
        (detection,) = fuse('visual', [Face(box, 0.9, None, 1)]).detections
        across = np.sqrt((np.trace(detection.covariance) - along(detection) ** 2) / 2)
        return along(detection) / np.linalg.norm(detection.position - CAMERA.centre), across

    spreads = np.array([spread(cut) for cut in (0.0, 0.1, 0.25, 0.45)])
    assert (np.diff(spreads, axis=0) > 0).all()
    assert (spreads[-1] > 1.5 * spreads[0]).all()


@pytest.mark.parametrize(
    ('numbers', 'people'),
    [
        ({}, 1),
        ({'least_speech': 0.2}, 2),
        ({'least_dominance': 0.05}, 2),
        ({'least_speech': 1.0}, 0),
    ],
)
def test_what_counts_as_a_voice_is_configured(numbers, people):
    strong = peak_at((1.0, 0.5, 0.1))
    doubtful, weak = peak_at((1.0, -0.5, 0.1), speech=0.3), peak_at((1.0, 0, 0.5), score=0.05)
    assert len(fuse('vggcf', peaks=[strong, doubtful, weak], **numbers).detections) == people


def test_which_face_a_voice_belongs_to_is_configured():
    face, peak = face_at((1.0, 0.3, 0.1)), peak_at((1.0, 0.55, 0.1))
    for deviations, people in ((0.1, 2), (20.0, 1)):
        detections = fuse('vggcf', [face], [peak], same_direction=deviations).detections
        assert len(detections) == people


@pytest.mark.parametrize(
    ('name', 'from_image'), [('hidden_range_std', True), ('blind_range_std', False)]
)
def test_how_far_a_voice_is_off_is_configured(name, from_image):
    spreads = [
        np.trace(
            fuse('vggcf', peaks=[peak_at((1.0, 0.5, 0.1))], from_image=from_image, **{name: std})
            .detections[0]
            .covariance
        )
        for std in (0.0, 1.0, 2.0)
    ]
    # The variance grows as the square of the deviation.
    assert spreads[2] - spreads[0] == pytest.approx(4 * (spreads[1] - spreads[0]), rel=1e-6)


def test_numbers_out_of_range_are_refused():
    with pytest.raises(InputError, match='least_speech must be within 0 and 1'):
        FusionConfig(least_speech=1.5)
