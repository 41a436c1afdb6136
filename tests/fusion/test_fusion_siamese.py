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

"""Networks that search for people around where they were, and what they are given."""

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_fusion_learned import ANN, BOB, CAMERA, FRAME, IMAGE, detect, face, voice
from tiny_network import write_search_network

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.fusion import open_fusion
from av_tracker_nodes.fusion.quality import expected_error, quality_of
from av_tracker_nodes.fusion.search import (
    FACE_PIXELS,
    SEARCH_SIZE,
    SOUND_MAP_SIZE,
    SOUND_MAPS,
    TEMPLATE_SIZE,
    found_pixel,
    guided_maps,
    template_crop,
)
from av_tracker_nodes.fusion.siamese import SiameseFusion
from av_tracker_nodes.geometry.head import box_centre, face_box, mouth_pixel
from av_tracker_nodes.types import AcousticMap, Modality

DARK = np.zeros_like(IMAGE)
"""The network is sure of nothing here."""
STILL = (0.0, 0.0)
BEYOND = np.array([-0.5, 0.1, 3.8])


def network(tmp_path, offset=STILL, speaking=-4.0):
    return open_fusion(write_search_network(tmp_path / 'tiny.onnx', offset, speaking))


def test_people_are_moved_to_where_they_are_found(tmp_path):
    fusion = network(tmp_path, offset=(0.25, -0.1), speaking=4.0)
    assert isinstance(fusion, SiameseFusion)
    (found,) = detect(fusion, [face(ANN)])
    box = face_box(CAMERA, ANN)
    expected = mouth_pixel(box) + box[3] * np.array([0.25, -0.1])
    np.testing.assert_allclose(CAMERA.project(found.position), expected, atol=1.0)
    assert found.modalities == Modality.VISUAL | Modality.AUDIO
    assert found.tracklet == 1
    assert fusion.decisions == {'update': 1, 'keep': 0, 'reset': 0}


def test_errors_do_not_add_up_while_the_face_is_detected(tmp_path):
    fusion = network(tmp_path, offset=(0.25, 0.0))
    (first,) = detect(fusion, [face(ANN)])
    for step in range(2, 6):
        (found,) = detect(fusion, [face(ANN)], stamp=step * FRAME)
    np.testing.assert_allclose(found.position, first.position)


def test_who_is_not_detected_any_more_is_still_found(tmp_path):
    fusion = network(tmp_path)
    detect(fusion, [face(ANN)])
    for step in range(2, 40):
        (found,) = detect(fusion, stamp=step * FRAME)
        np.testing.assert_allclose(found.position, ANN, atol=0.15)
    assert found.tracklet == 1


def test_the_range_of_who_is_not_detected_becomes_uncertain(tmp_path):
    fusion = network(tmp_path)
    (seen,) = detect(fusion, [face(ANN)])
    (soon,) = detect(fusion, stamp=2 * FRAME)
    (late,) = detect(fusion, stamp=10 * FRAME)
    along = [np.linalg.eigvalsh(each.covariance).max() for each in (seen, soon, late)]
    assert along[1] < along[2]


def test_a_poor_result_is_taken_from_the_face_detector(tmp_path):
    fusion = network(tmp_path, offset=(1.0, 0.0))
    (found,) = detect(fusion, [face(ANN)], image=DARK)
    np.testing.assert_allclose(CAMERA.project(found.position), CAMERA.project(ANN), atol=1.0)
    assert fusion.decisions['reset'] == 1


def test_a_poor_result_without_a_face_is_nobody_and_forgotten_after_a_while(tmp_path):
    fusion = network(tmp_path)
    detect(fusion, [face(ANN)])
    assert detect(fusion, stamp=2 * FRAME, image=DARK) == ()
    (again,) = detect(fusion, stamp=10 * FRAME)
    assert again.tracklet == 1
    assert detect(fusion, stamp=40 * FRAME) == ()


def test_two_people_are_two_and_one_found_twice_is_one(tmp_path):
    fusion = network(tmp_path)
    both = detect(fusion, [face(ANN, 1), face(BOB, 2)])
    assert {each.tracklet for each in both} == {1, 2}
    # The face of the first is called otherwise, and nobody has moved.
    again = detect(fusion, [face(ANN, 3), face(BOB, 2)], stamp=2 * FRAME)
    assert {each.tracklet for each in again} == {2, 3}


def test_who_has_had_no_face_for_long_is_given_up(tmp_path):
    fusion = network(tmp_path)
    counts = [len(detect(fusion, [face(ANN)]))]
    counts += [len(detect(fusion, stamp=step * FRAME)) for step in range(2, 125)]
    assert counts[:99] == [1] * 99
    assert counts[-20:] == [0] * 20


@pytest.mark.parametrize(('frames', 'people'), [(10, 2), (40, 1)])
def test_a_face_beside_who_has_had_none_for_long_is_theirs(tmp_path, frames, people):
    fusion = network(tmp_path)
    detect(fusion, [face(beside(1.2), 1)])
    for step in range(2, frames):
        detect(fusion, stamp=step * FRAME)
    assert len(detect(fusion, [face(ANN, 2)], stamp=frames * FRAME)) == people


def beside(heights):
    """Right of Ann by so many heights of her face, as far from the camera."""
    shift = np.array([heights * face_box(CAMERA, ANN)[3], 0])
    ray = CAMERA.rays(CAMERA.project(ANN) + shift)
    return CAMERA.centre + ray * np.linalg.norm(ANN - CAMERA.centre)


def test_who_strays_to_the_head_of_somebody_else_is_lost(tmp_path):
    fusion = network(tmp_path, offset=(-0.25, 0.0))
    counts = [len(detect(fusion, [face(beside(3), 1)]))]
    # The face is not detected any more, and the network leads to Ann's, and past it.
    counts += [len(detect(fusion, [face(ANN, 2)], stamp=step * FRAME)) for step in range(2, 40)]
    assert counts[:6] == [1, 2, 2, 2, 2, 2]
    assert counts[-20:] == [1] * 20


def test_a_voice_where_somebody_is_found_is_no_second_person(tmp_path):
    fusion = network(tmp_path)
    detect(fusion, [face(ANN)])
    assert len(detect(fusion, voices=[voice(ANN)], stamp=2 * FRAME)) == 1
    assert len(detect(fusion, voices=[voice(BOB)], stamp=3 * FRAME)) == 2


def lost(tmp_path):
    """Ann was seen for an image, and not found for a second."""
    fusion = network(tmp_path)
    detect(fusion, [face(ANN)])
    assert detect(fusion, stamp=25 * FRAME, image=DARK) == ()
    return fusion


def test_who_was_lost_is_found_where_a_voice_is(tmp_path):
    fusion = lost(tmp_path)
    (found,) = detect(fusion, voices=[voice(beside(1.5))], stamp=26 * FRAME)
    assert found.tracklet == 1
    assert Modality.VISUAL in found.modalities
    np.testing.assert_allclose(
        CAMERA.project(found.position), CAMERA.project(beside(1.5)), atol=1.0
    )
    # The range is that of a head, which sight and memory tell better than sound.
    np.testing.assert_allclose(found.position, beside(1.5), atol=0.15)


@pytest.mark.parametrize(
    ('place', 'frame', 'image'),
    [(beside(1.5), 26, DARK), (BEYOND, 26, IMAGE), (beside(1.5), 300, IMAGE)],
    ids=['found badly', 'too far', 'too long ago'],
)
def test_any_other_voice_is_heard_only(tmp_path, place, frame, image):
    fusion = lost(tmp_path)
    (heard,) = detect(fusion, voices=[voice(place)], stamp=frame * FRAME, image=image)
    assert heard.modalities == Modality.AUDIO


def test_who_speaks_is_not_given_up(tmp_path):
    fusion = network(tmp_path)
    detect(fusion, [face(ANN)])
    for step in range(2, 125):
        (found,) = detect(fusion, voices=[voice(ANN)], stamp=step * FRAME)
    assert Modality.VISUAL in found.modalities


def test_without_an_image_geometry_tells(tmp_path):
    (found,) = detect(network(tmp_path, offset=(1.0, 0.0)), [face(ANN)], image=None)
    np.testing.assert_allclose(CAMERA.project(found.position), CAMERA.project(ANN), atol=1.0)


def test_reset_forgets_everybody(tmp_path):
    fusion = network(tmp_path)
    detect(fusion, [face(ANN)])
    fusion.reset()
    assert detect(fusion, stamp=2 * FRAME) == ()


@given(st.floats(0.0, 100.0))
def test_quality_tells_the_error(error):
    assert expected_error(float(quality_of(np.array(error)))) == pytest.approx(error, abs=1e-6)


def test_the_published_thresholds_are_fractions_of_pixels():
    assert expected_error(0.985) == pytest.approx(0.6, abs=0.01)
    assert expected_error(0.94) == pytest.approx(2.4, abs=0.01)


def test_a_network_for_something_else_is_refused(tmp_path):
    path = write_search_network(tmp_path / 'tiny.onnx', STILL, 0.0)
    model = onnx.load(path)
    onnx.helper.set_model_props(model, {'task': 'chess'})
    onnx.save(model, path)
    with pytest.raises(InputError, match='chess'):
        open_fusion(path)


# ---- crops and maps that a network searches


PITCH = 3.0
BOX = np.array([150.0, 100.0, 30.0, 40.0])


def sound(*spots):
    """A map with a spot at each pixel, of a height: (u, v, height)."""
    values = np.zeros((96, 120), np.float32)
    for u, v, height in spots:
        values[round(v / PITCH), round(u / PITCH)] = height
    return AcousticMap(0, 0, 'vggcf', values, PITCH, 2.0, 1.0)


@pytest.mark.parametrize('height', [16, 24, 60])
def test_a_face_of_any_size_is_as_high_in_the_crop(height):
    image = np.zeros((288, 360, 3), np.uint8)
    box = np.array([170.0, 120.0, 0.75 * height, height])
    left, top, right, bottom = np.rint([*box[:2], box[0] + box[2], box[1] + box[3]]).astype(int)
    image[top:bottom, left:right] = 255
    crop = template_crop(image, box)
    assert crop.shape == (TEMPLATE_SIZE, TEMPLATE_SIZE, 3)
    white = np.flatnonzero(crop[:, TEMPLATE_SIZE // 2, 0] > 127)
    assert len(white) == pytest.approx(FACE_PIXELS, abs=2)
    # The mouth, a quarter of the face from its lower edge, is in the middle.
    assert white[-1] - TEMPLATE_SIZE / 2 == pytest.approx(FACE_PIXELS / 4, abs=2)


def test_maps_are_chosen_by_what_is_inside_the_face():
    u, v = box_centre(BOX)
    history = [
        sound((u, v, 0.2)),
        sound((u, v, 0.6), (300.0, 50.0, 0.9)),
        sound((300.0, 50.0, 1.0)),
        sound((u, v, 0.4)),
        sound(),
    ]
    maps = guided_maps(history, BOX)
    assert maps.shape == (SOUND_MAPS, SOUND_MAP_SIZE, SOUND_MAP_SIZE)
    peaks = maps.max(axis=(1, 2))
    assert peaks[0] > peaks[1] > peaks[2] > 0
    np.testing.assert_allclose(peaks[:2] / peaks[0], [1.0, 2 / 3], rtol=0.01)


def test_a_sound_lies_in_the_map_where_it_lies_in_the_search_crop():
    offset = np.array([0.5, -0.75])
    u, v = found_pixel(BOX, offset)
    row, column = np.unravel_index(guided_maps([sound((u, v, 1.0))], BOX)[0].argmax(), (24, 24))
    points_a_face = SOUND_MAP_SIZE / (SEARCH_SIZE / FACE_PIXELS)
    middle = (SOUND_MAP_SIZE - 1) / 2
    assert column - middle == pytest.approx(points_a_face * offset[0], abs=1)
    assert row - middle == pytest.approx(points_a_face * offset[1], abs=1)


def test_few_or_silent_maps_leave_zeros():
    assert (guided_maps([sound()], BOX) == 0).all()
    empty = AcousticMap(0, 0, 'vggcf', np.zeros((0, 0), np.float32), PITCH, 2.0, 0.0)
    assert (guided_maps([empty, empty], BOX) == 0).all()


def test_no_offset_is_the_mouth():
    np.testing.assert_allclose(found_pixel(BOX, np.zeros(2)), mouth_pixel(BOX))
