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

"""The rigs that come with the package."""

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

import av_tracker_nodes as av
from av_tracker_nodes.geometry.calibration import load_microphones
from av_tracker_nodes.geometry.rig_files import find_rig, load_rig_description, shipped_rigs

ROOT = Path(__file__).resolve().parents[2]
CALIBRATION = ROOT / 'calibration'
NAMES = shipped_rigs()
WITH_ARRAY = [name for name in NAMES if load_rig_description(name).microphones is not None]


def test_the_usual_devices_are_there():
    assert {
        'respeaker_usb_webcam', 'respeaker_xvf3800_webcam', 'respeaker_4mic_webcam',
        'respeaker_6mic_webcam', 'uma8_webcam', 'uma16_webcam', 'azure_kinect', 'kinect_v2',
        'ps_eye', 'matrix_voice_webcam', 'pair_webcam', 'webcam_60', 'webcam_78',
    } <= set(NAMES)  # fmt: skip


@pytest.mark.parametrize('name', NAMES)
def test_each_says_what_it_is_and_where_its_numbers_come_from(name):
    rig = load_rig_description(name)
    assert rig.path == find_rig(name)
    assert rig.name == name
    assert rig.description
    assert re.search(r'https?://|see \w+', rig.source, re.IGNORECASE)
    assert rig.approximate
    doubt = rig.uncertainty
    assert 0.02 <= doubt.angle_std <= 0.2
    assert 0.01 <= doubt.position_std <= 0.1
    assert 0.02 <= doubt.focal_std <= 0.2
    assert 0.001 <= doubt.microphone_std <= 0.02


@pytest.mark.parametrize('name', NAMES)
def test_each_looks_along_x_of_a_world_that_needs_no_tf(name):
    rig = load_rig_description(name)
    assert rig.parent == 'world'
    assert 0.5 < rig.camera.centre[2] < 2.0
    np.testing.assert_allclose(rig.camera.pose.rotation[:, 2], [1, 0, 0], atol=1e-9)
    np.testing.assert_allclose(rig.camera.pose.rotation[:, 1], [0, 0, -1], atol=1e-9)
    width, height = rig.camera.size
    assert 50 <= 2 * np.degrees(np.arctan(width / 2 / rig.camera.fx)) <= 95
    ahead = rig.camera.project(rig.camera.centre + np.array([2.0, 0, 0]))
    np.testing.assert_allclose(ahead, [(width - 1) / 2, (height - 1) / 2], atol=1e-6)


@pytest.mark.parametrize('name', WITH_ARRAY)
def test_microphones_are_where_microphones_of_one_device_can_be(name):
    description = load_rig_description(name)
    rig = description.rig()
    places = rig.microphones.positions
    apart = [np.linalg.norm(a - b) for a, b in combinations(places, 2)]
    assert min(apart) > 0.015
    assert max(apart) < 0.3
    in_world = description.target_from_array @ rig.microphones.centre
    assert np.linalg.norm(in_world - rig.camera.centre) < 0.2
    assert rig.microphones.rate in (16_000, 48_000)
    channels = set(rig.microphones.channels.tolist())
    others = {*description.processed_channels, *description.playback_channels}
    assert not channels & others
    assert max(channels | others) < description.card_channels
    assert rig.ambiguity
    np.testing.assert_array_equal(av.load_rig(name).microphones.positions, places)


@pytest.mark.parametrize(
    ('name', 'file'),
    [
        ('respeaker_4mic_webcam', 'respeaker_4mic'),
        ('respeaker_6mic_webcam', 'respeaker_6mic_circular'),
        ('uma8_webcam', 'minidsp_uma8'),
        ('uma16_webcam', 'minidsp_uma16'),
    ],
)
def test_a_device_is_the_same_in_rig_and_calibration_file(name, file):
    rig = load_rig_description(name).microphones
    array = load_microphones(CALIBRATION / f'{file}.yaml')
    np.testing.assert_array_equal(rig.positions, array.positions)
    np.testing.assert_array_equal(rig.channels, array.channels)
    assert rig.rate == array.rate


@pytest.mark.parametrize(
    ('name', 'sides', 'diagonal'),
    [('respeaker_usb_webcam', 0.0457, 0.064), ('respeaker_xvf3800_webcam', 0.066, 0.0933)],
)
def test_squares_are_numbered_around(name, sides, diagonal):
    places = load_rig_description(name).microphones.positions
    for index, place in enumerate(places):
        following, opposite = places[(index + 1) % 4], places[(index + 2) % 4]
        assert np.linalg.norm(place - following) == pytest.approx(sides, rel=0.02)
        assert np.linalg.norm(place - opposite) == pytest.approx(diagonal, rel=0.02)
        assert np.cross(place, following)[2] > 0


def test_channels_of_the_usb_array_are_those_of_its_firmware_of_six():
    rig = load_rig_description('respeaker_usb_webcam')
    assert rig.card_channels == 6
    assert rig.processed_channels == (0,)
    assert rig.playback_channels == (5,)
    assert rig.microphones.channels.tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ('name', 'alike'),
    [
        ('respeaker_usb_webcam', 'above and below sound alike'),
        ('uma16_webcam', 'front and back sound alike'),
        ('kinect_v2', 'front and back, above and below sound alike'),
        ('ps_eye', 'front and back, above and below sound alike'),
        ('pair_webcam', 'front and back, above and below sound alike'),
    ],
)
def test_each_array_says_what_it_cannot_tell_apart(name, alike):
    assert load_rig_description(name).rig().ambiguity.endswith(alike)


def test_a_left_microphone_is_on_the_left():
    rig = load_rig_description('pair_webcam')
    before = rig.target_from_array @ rig.microphones.positions + np.array([2.0, 0, 0])
    left, right = rig.camera.project(before)
    assert left[0] < right[0]
