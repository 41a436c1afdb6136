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

"""Arguments and files of parameters: spellings, former names, and what comes before what."""

import json
import logging
from textwrap import dedent

import pytest

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.launching.arguments import ARGUMENTS, complete
from av_tracker_nodes.launching.node_set import node_set
from av_tracker_nodes.launching.parameter_files import (
    declared_names,
    files_in,
    sections,
    unknown_nodes,
    unknown_parameters,
)
from av_tracker_nodes.launching.profiles import PROFILES
from av_tracker_nodes.models.shipped import shipped_file
from av_tracker_nodes.pipeline import Profile

FILES = {'camera_calibration': 'camera.yaml', 'array_calibration': 'array.yaml'}
SWITCHES = [argument for argument in ARGUMENTS if 'true' in argument.choices]


def given(arguments=FILES, **chosen):
    """Parameters that the nodes get before those of files, by their names."""
    specs = node_set({name: str(value) for name, value in {**arguments, **chosen}.items()})
    told = (each.partition('=') for spec in specs for each in spec.arguments)
    return {name: json.loads(values) for name, _, values in told}


@pytest.fixture
def write(tmp_path):
    """Write a file of parameters: its text, or the values of its sections."""

    def write(content):
        path = tmp_path / 'mine.yaml'
        if isinstance(content, dict):
            content = json.dumps({k: {'ros__parameters': v} for k, v in content.items()})
        path.write_text(dedent(content))
        return path

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
    [*((*row, '{}') for row in TABLE), (*TABLE[0], '/**'), (*TABLE[0], '/**/{}')],
)
def test_an_argument_comes_before_the_file_and_the_file_before_the_default(
    write, argument, text, node, parameter, chosen, told, section
):
    file = write({section.format(node): {parameter: told}})
    others = {name: path for name, path in FILES.items() if name != argument}
    for files in ({'params_file': file}, {}):
        assert given(others, **{argument: text}, **files)[node][parameter] == chosen
    # Nothing is given that would come before the file.
    assert parameter not in given(others, **{argument: ''}, params_file=file)[node]


def test_every_argument_that_a_parameter_follows_is_not_given_by_default():
    """What a node is given without any argument depends on the model alone."""
    told = given()
    for node in ('camera', 'microphone_array'):
        assert set(told[node]) <= {'calibration'}
    derived = {'sees', 'hears', 'follows_heads', 'measure', 'rectified', 'image_transport', 'run'}
    for node in ('face_detector', 'acoustic_map', 'fusion', 'tracker'):
        assert set(told[node]) <= derived | set(FILES)


def test_a_file_may_be_for_one_node_of_several(write):
    file = write({'/**/tracker': {'target_frame': 'odom'}})
    assert given(params_file=file, target_frame='map')['tracker']['target_frame'] == 'map'
    told = given(params_file=file)
    assert not [node for node in ('tracker', 'fusion') if 'target_frame' in told[node]]


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
def test_sections_are_for_the_nodes_that_ros_takes_them_for(write, section, namespace, counts):
    file = write({section: {'model': 'stgcf'}})
    measure = given(params_file=file, namespace=namespace)['acoustic_map']['measure']
    assert (measure == 'stgcf') == counts


def test_what_follows_from_the_model_follows_from_that_of_the_file_too(write):
    file = write({'/**/fusion': {'model': 'visual'}})
    told = given(params_file=file)
    assert 'microphone_array' not in told
    assert told['acoustic_map']['hears'] is False
    assert 'camera' not in given(params_file=file, fusion_model='audio')


def test_calibrations_of_the_file_will_do(write):
    paths = {'camera': '/c.yaml', 'microphone_array': '/a.yaml'}
    file = write({f'/**/{node}': {'calibration': path} for node, path in paths.items()})
    assert paths.keys() <= given({}, params_file=file).keys()


@pytest.mark.parametrize('publish_tf', ['true', 'false'])
@pytest.mark.parametrize('one_process', ['true', 'false'])
def test_one_process_is_given_the_same(write, publish_tf, one_process):
    file = write({'/**/tracker': {'publish_tf': True, 'target_frame': 'odom'}})
    chosen = {'params_file': str(file), 'publish_tf': publish_tf, 'one_process': one_process}
    told = given(**chosen)['tracker']
    assert told['publish_tf'] is (publish_tf == 'true')
    assert 'target_frame' not in told
    assert {spec.parameter_file for spec in node_set({**FILES, **chosen})} == {file}


# ---- profiles are settings that the nodes have, and the chain without ROS takes the same


RIG = {'rig': 'respeaker_usb_webcam'}


@pytest.mark.parametrize('profile', PROFILES)
def test_nodes_have_the_parameters_of_a_profile_and_are_given_them(profile):
    known = json.loads(shipped_file('parameter_names.json').read_text(encoding='utf-8'))
    told = given(RIG, profile=profile)
    for node, values in PROFILES[profile].items():
        assert values.keys() <= set(known[node])
        assert values.items() <= told[node].items()


def test_what_the_file_of_parameters_tells_comes_before_the_profile(write):
    file = write({'face_detector': {'max_rate': 7.0}})
    told = given(RIG, profile='small', params_file=file)
    assert 'max_rate' not in told['face_detector']
    assert told['acoustic_map']['max_rate'] == PROFILES['small']['acoustic_map']['max_rate']


def test_the_chain_without_ros_takes_the_same():
    assert Profile.of(PROFILES['full']) == Profile()
    small = Profile.of(PROFILES['small'])
    vision, sound = PROFILES['small'].values()
    assert (small.max_rate, small.scale) == (vision['max_rate'], vision['scale'])
    assert sound['max_rate'] == vision['max_rate']
    assert small.acoustics.columns == sound['columns']


# ---- names in parameter files and on command lines that nobody knows


OURS = declared_names()


def problems(node, file, names):
    return unknown_parameters(node, OURS[node], names, [file] if file else [])


OF_ALL = ['threshold', 'target_frame', 'target_frme']
"""Names for all nodes, of which nobody knows the last one."""


@pytest.mark.parametrize(
    ('section', 'node', 'names', 'slip', 'meant'),
    [
        ('/**/face_detector', 'face_detector', ['threshhold', 'scale'], 'threshhold', 'threshold'),
        ('/**', 'face_detector', OF_ALL, 'target_frme', 'target_frame'),
        ('/**', 'tracker', OF_ALL, 'target_frme', 'target_frame'),
    ],
)
def test_a_slip_of_the_pen_is_told_with_the_name_that_may_be_meant(
    write, section, node, names, slip, meant
):
    file = write({section: dict.fromkeys(names, 0.5)})
    assert problems(node, file, names) == [
        f"parameter '{slip}' of {file} is not known; did you mean '{meant}'?"
    ]


@pytest.mark.parametrize('section', ['tracker', '/tracker', '/robot/tracker', '/*/tracker'])
def test_a_parameter_of_another_node_is_unknown_in_a_section_of_ones_own(write, section):
    file = write({section: {'threshold': 0.5}})
    (problem,) = problems('tracker', file, ['threshold'])
    assert problem.startswith(f"parameter 'threshold' of {file} is not known")


def test_the_command_line_is_named_where_no_file_has_it(write):
    file = write({'tracker': {'beta': 0.5}})
    assert problems('tracker', file, ['beta', 'betta']) == [
        "parameter 'betta' of the command line is not known; did you mean 'beta'?"
    ]
    assert problems('tracker', None, ['xyzzy']) == [
        "parameter 'xyzzy' of the command line is not known"
    ]


def test_parameters_of_ros_are_known_everywhere():
    ros = ('use_sim_time', 'start_type_description_service')
    assert problems('tracker', None, [*ros, 'qos_overrides./clock.subscription.depth']) == []


def test_nodes_that_nobody_has_are_told(write):
    file = write("""
        /**/face_detecter:
          ros__parameters: {threshold: 0.5}
        tracker:
          ros__parameters: {beta: 0.5}
        /**:
          ros__parameters: {silence_limit: 5.0}
        robot:
          slam_toolbox:
            ros__parameters: {resolution: 0.1}
    """)
    assert unknown_nodes(file) == [
        f"{file}: no node is called 'face_detecter'; did you mean 'face_detector'?",
        f"{file}: no node is called 'slam_toolbox'",
    ]


def test_launching_tells_of_them(write, caplog):
    file = write({'face_detecter': {'threshold': 0.5}})
    with caplog.at_level(logging.WARNING):
        given(params_file=file)
    assert "no node is called 'face_detecter'" in caplog.text


def test_names_that_are_nested_are_joined(write):
    file = write("""
        robot:
          tracker:
            ros__parameters:
              a: {b: {c: 1}, d: [1, 2]}
              e:
    """)
    assert sections(file) == {'/robot/tracker': {'a.b.c', 'a.d', 'e'}}


@pytest.mark.parametrize(
    'text', ['tracker: {beta: 0.5}', '- tracker', 'tracker', 'a: [', 'tracker: 5', '"\x00"']
)
def test_what_is_no_parameter_file_is_refused_in_a_line(write, text):
    file = write(text)
    with pytest.raises(InputError, match='is no parameter file') as told:
        unknown_nodes(file)
    assert str(file) in str(told.value)
    assert '\n' not in str(told.value)


def test_an_empty_file_has_no_names(write):
    assert sections(write('')) == {}


def test_shipped_file_has_no_unknown_names():
    file = shipped_file('params.yaml')
    assert unknown_nodes(file) == []
    for section, names in sections(file).items():
        node = section.rpartition('/')[2]
        for each in OURS if node == '**' else [node]:
            assert problems(each, file, names) == []


def test_files_are_found_among_arguments():
    arguments = ['node', '--ros-args', '--params-file', 'a.yaml', '-p', 'x:=1', '--params-file']
    assert [str(path) for path in files_in(arguments)] == ['a.yaml']
