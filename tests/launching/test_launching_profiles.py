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

"""Profiles are settings that the nodes have, and the chain without ROS takes the same."""

import json

import pytest

from av_tracker_nodes.launching.node_set import node_set
from av_tracker_nodes.launching.profiles import PROFILES
from av_tracker_nodes.models.shipped import shipped_file
from av_tracker_nodes.pipeline import Profile

RIG = {'rig': 'respeaker_usb_webcam'}


def parameters(arguments):
    """Parameters that are given to each node, by its name."""
    told = {}
    for spec in node_set({**RIG, **arguments}):
        name, _, values = spec.arguments[0].partition('=')
        told[name] = json.loads(values)
    return told


@pytest.mark.parametrize('profile', PROFILES)
def test_nodes_have_the_parameters_of_a_profile_and_are_given_them(profile):
    known = json.loads(shipped_file('parameter_names.json').read_text(encoding='utf-8'))
    told = parameters({'profile': profile})
    for node, values in PROFILES[profile].items():
        assert values.keys() <= set(known[node])
        assert values.items() <= told[node].items()


def test_what_the_file_of_parameters_tells_comes_before_the_profile(tmp_path):
    file = tmp_path / 'mine.yaml'
    file.write_text('face_detector: {ros__parameters: {max_rate: 7.0}}\n', encoding='utf-8')
    told = parameters({'profile': 'small', 'params_file': str(file)})
    assert 'max_rate' not in told['face_detector']
    assert told['acoustic_map']['max_rate'] == PROFILES['small']['acoustic_map']['max_rate']


def test_the_chain_without_ros_takes_the_same():
    assert Profile.of(PROFILES['full']) == Profile()
    small = Profile.of(PROFILES['small'])
    vision, sound = PROFILES['small'].values()
    assert (small.max_rate, small.scale) == (vision['max_rate'], vision['scale'])
    assert sound['max_rate'] == vision['max_rate']
    assert small.acoustics.columns == sound['columns']
