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

"""Arguments: their spellings, former names, and what comes before what."""

import json
import logging
from itertools import product
from pathlib import Path

import pytest

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.launching.arguments import ARGUMENTS, complete
from av_tracker_nodes.launching.node_set import node_set
from av_tracker_nodes.launching.profiles import PROFILES
from av_tracker_nodes.models.shipped import shipped_file
from av_tracker_nodes.pipeline import Profile

FILES = {'camera_calibration': 'camera.yaml', 'array_calibration': 'array.yaml'}
SWITCHES = [argument for argument in ARGUMENTS if 'true' in argument.choices]


def given_to(node, **arguments):
    """Parameters that a process of one node gets before those of files."""
    (spec,) = (spec for spec in node_set({**FILES, **arguments}) if spec.name == node)
    return json.loads(spec.arguments[0].partition('=')[2])


@pytest.fixture
def write(tmp_path):
    def write(**sections):
        nodes = {
            name.replace('all', '/**').replace('any_', '/**/'): {'ros__parameters': values}
            for name, values in sections.items()
        }
        path = tmp_path / 'mine.yaml'
        path.write_text(json.dumps(nodes))
        return str(path)

    return write


@pytest.mark.parametrize('argument', SWITCHES, ids=lambda argument: argument.name)
def test_switches_are_spelled_as_in_python_xml_and_yaml(argument):
    for text, value in (('true', 'true'), ('True', 'true'), ('TRUE', 'true'), ('1', 'true')):
        assert complete({argument.name: text})[argument.name] == value
    for text in ('false', 'False', 'FALSE', '0'):
        assert complete({argument.name: text})[argument.name] == 'false'
    for text in ('yes', '2', 'truee', '-1'):
        with pytest.raises(InputError, match=f'{argument.name} must be one of true, false'):
            complete({argument.name: text})


def test_severities_are_spelled_in_any_case():
    assert complete({'log_level': 'WARN'})['log_level'] == 'warn'


def test_the_help_tells_what_may_be_chosen():
    for argument in ARGUMENTS:
        assert all(choice in argument.help for choice in argument.choices)


class TestFormerName:
    def test_works_and_says_so(self, caplog):
        with caplog.at_level(logging.WARNING):
            assert complete({'model': 'vggcf'})['fusion_model'] == 'vggcf'
        assert "'model' is called 'fusion_model' now" in caplog.text

    def test_comes_after_the_new_one(self):
        assert complete({'model': 'vggcf', 'fusion_model': 'stgcf'})['fusion_model'] == 'stgcf'

    @pytest.mark.parametrize('model', ['turtlebot3_waffle', 'urdf/robot.xacro', 'magic'])
    def test_of_something_else_is_left_to_others(self, caplog, model):
        """A launch file hands its own arguments down to what it includes."""
        with caplog.at_level(logging.WARNING):
            assert complete({'model': model})['fusion_model'] == ''
        assert model in caplog.text

    def test_is_not_used_by_ourselves(self, caplog):
        with caplog.at_level(logging.WARNING):
            node_set(FILES)
        assert not caplog.records


TABLE = (
    # argument, text, node, parameter, value of the argument, value in the file
    ('target_frame', 'map', 'tracker', 'target_frame', 'map', 'odom'),
    ('target_frame', 'map', 'fusion', 'target_frame', 'map', 'odom'),
    ('tf_timeout', '2', 'acoustic_map', 'tf_timeout', 2.0, 3.0),
    ('max_lateness', '1.5', 'fusion', 'max_lateness', 1.5, 0.5),
    ('publish_tf', 'True', 'tracker', 'publish_tf', True, False),
    ('depth', 'false', 'fusion', 'depth', False, True),
    ('fusion_model', 'stgcf', 'fusion', 'model', 'stgcf', 'vggcf'),
    ('network_device', 'cpu', 'fusion', 'device', 'cpu', 'cuda'),
    ('measure', 'gcf', 'acoustic_map', 'measure', 'gcf', 'stgcf'),
    ('audio_offset', '0.1', 'acoustic_map', 'audio_offset', 0.1, 0.2),
    ('image_transport', 'compressed', 'face_detector', 'image_transport', 'compressed', 'raw'),
    ('camera_device', '2', 'camera', 'device', '2', '4'),
    ('microphone_device', 'UMA', 'microphone_array', 'device', 'UMA', 'ReSpeaker'),
    ('camera_calibration', '/a.yaml', 'camera', 'calibration', '/a.yaml', '/b.yaml'),
    ('use_sim_time', '1', 'tracker', 'use_sim_time', True, False),
    ('autostart', '0', 'camera', 'autostart', False, True),
)


@pytest.mark.parametrize(
    ('argument', 'text', 'node', 'parameter', 'chosen', 'told', 'section'),
    [*((*row, 'node') for row in TABLE), (*TABLE[0], 'all'), (*TABLE[0], 'any_node')],
)
def test_an_argument_comes_before_the_file_and_the_file_before_the_default(
    write, argument, text, node, parameter, chosen, told, section
):
    file = write(**{section.replace('node', node): {parameter: told}})
    others = {name: path for name, path in FILES.items() if name != argument}

    def given(**arguments):
        (spec,) = (spec for spec in node_set({**others, **arguments}) if spec.name == node)
        return json.loads(spec.arguments[0].partition('=')[2])

    assert given(**{argument: text, 'params_file': file})[parameter] == chosen
    assert given(**{argument: text})[parameter] == chosen
    # Nothing is given that would come before the file.
    assert parameter not in given(**{argument: '', 'params_file': file})


def test_every_argument_that_a_parameter_follows_is_not_given_by_default():
    """What a node is given without any argument depends on the model alone."""
    for node in ('camera', 'microphone_array'):
        assert set(given_to(node)) <= {'calibration'}
    for node in ('face_detector', 'acoustic_map', 'fusion', 'tracker'):
        derived = {'sees', 'hears', 'follows_heads', 'measure', 'rectified', 'image_transport'}
        derived |= {'run'}
        assert set(given_to(node)) <= derived | set(FILES)


def test_a_file_may_be_for_one_node_of_several(write):
    file = write(any_tracker={'target_frame': 'odom'})
    assert given_to('tracker', params_file=file, target_frame='map')['target_frame'] == 'map'
    assert 'target_frame' not in given_to('tracker', params_file=file)
    assert 'target_frame' not in given_to('fusion', params_file=file)


@pytest.mark.parametrize(
    ('section', 'namespace', 'counts'),
    [
        ('fusion', '', True),
        ('/fusion', '', True),
        ('fusion', 'robot', False),
        ('/robot/fusion', 'robot', True),
        ('/robot/fusion', 'other', False),
        ('/*/fusion', 'robot', True),
        ('/*/fusion', '', False),
        ('/*/fusion', 'robot/head', False),
        ('/**/fusion', 'robot/head', True),
        ('/robot/**', 'robot/head', True),
        ('/**', 'robot', True),
    ],
)
def test_sections_are_for_the_nodes_that_ros_takes_them_for(tmp_path, section, namespace, counts):
    file = tmp_path / 'mine.yaml'
    file.write_text(json.dumps({section: {'ros__parameters': {'model': 'stgcf'}}}))
    measure = given_to('acoustic_map', params_file=str(file), namespace=namespace)['measure']
    assert (measure == 'stgcf') == counts


def test_what_follows_from_the_model_follows_from_that_of_the_file_too(write):
    file = write(any_fusion={'model': 'visual'})
    names = [spec.name for spec in node_set({**FILES, 'params_file': file})]
    assert 'microphone_array' not in names
    assert given_to('acoustic_map', params_file=file)['hears'] is False
    names = [
        spec.name for spec in node_set({**FILES, 'params_file': file, 'fusion_model': 'audio'})
    ]
    assert 'camera' not in names


def test_calibrations_of_the_file_will_do(write):
    file = write(
        any_camera={'calibration': '/c.yaml'}, any_microphone_array={'calibration': '/a.yaml'}
    )
    names = [spec.name for spec in node_set({'params_file': file})]
    assert {'camera', 'microphone_array'} <= set(names)


@pytest.mark.parametrize('order', list(product(['true', 'false'], repeat=2)))
def test_one_process_is_given_the_same(write, order):
    publish_tf, one_process = order
    file = write(any_tracker={'publish_tf': True, 'target_frame': 'odom'})
    chosen = {**FILES, 'params_file': file, 'publish_tf': publish_tf}
    specs = node_set({**chosen, 'one_process': one_process})
    given = dict(argument.split('=', 1) for spec in specs for argument in spec.arguments)
    tracker = json.loads(given['tracker'])
    assert tracker['publish_tf'] is (publish_tf == 'true')
    assert 'target_frame' not in tracker
    assert {spec.parameter_file for spec in specs} == {Path(file)}


# ---- profiles are settings that the nodes have, and the chain without ROS takes the same


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
