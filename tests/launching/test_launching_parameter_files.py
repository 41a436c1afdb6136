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

"""Names in parameter files and on command lines that nobody knows."""

import logging
from textwrap import dedent

import pytest

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.launching.node_set import node_set
from av_tracker_nodes.launching.parameter_files import (
    declared_names,
    files_in,
    sections,
    unknown_nodes,
    unknown_parameters,
)
from av_tracker_nodes.models.shipped import shipped_file

OURS = declared_names()


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / 'mine.yaml'
        path.write_text(dedent(text))
        return path

    return write


def problems(node, file, given):
    return unknown_parameters(node, OURS[node], given, [file])


def test_a_slip_of_the_pen_is_told_with_the_name_that_may_be_meant(write):
    file = write("""
        /**/face_detector:
          ros__parameters: {threshhold: 0.5, scale: 2.0}
    """)
    assert problems('face_detector', file, ['threshhold', 'scale']) == [
        f"parameter 'threshhold' of {file} is not known; did you mean 'threshold'?"
    ]


@pytest.mark.parametrize('section', ['tracker', '/tracker', '/robot/tracker', '/*/tracker'])
def test_a_parameter_of_another_node_is_unknown_in_a_section_of_ones_own(write, section):
    file = write(f"""
        {section if '*' not in section else repr(section)}:
          ros__parameters: {{threshold: 0.5}}
    """)
    (problem,) = problems('tracker', file, ['threshold'])
    assert problem.startswith(f"parameter 'threshold' of {file} is not known")


def test_what_is_for_all_nodes_is_unknown_only_where_nobody_knows_it(write):
    file = write("""
        /**:
          ros__parameters: {threshold: 0.5, target_frame: map, target_frme: map}
    """)
    given = ['threshold', 'target_frame', 'target_frme']
    for node in ('tracker', 'face_detector'):
        assert problems(node, file, given) == [
            f"parameter 'target_frme' of {file} is not known; did you mean 'target_frame'?"
        ]


def test_the_command_line_is_named_where_no_file_has_it(write):
    file = write('tracker: {ros__parameters: {beta: 0.5}}')
    assert problems('tracker', file, ['beta', 'betta']) == [
        "parameter 'betta' of the command line is not known; did you mean 'beta'?"
    ]
    assert unknown_parameters('tracker', OURS['tracker'], ['xyzzy'], []) == [
        "parameter 'xyzzy' of the command line is not known"
    ]


def test_parameters_of_ros_are_known_everywhere():
    given = [
        'use_sim_time',
        'start_type_description_service',
        'qos_overrides./clock.subscription.depth',
    ]
    assert unknown_parameters('tracker', OURS['tracker'], given, []) == []


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
    file = write('face_detecter: {ros__parameters: {threshold: 0.5}}')
    arguments = {'fusion_model': 'visual', 'camera_calibration': 'x', 'params_file': str(file)}
    with caplog.at_level(logging.WARNING):
        node_set(arguments)
    assert "no node is called 'face_detecter'" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        node_set({**arguments, 'params_file': ''})
    assert not caplog.records


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
            assert unknown_parameters(each, OURS[each], names, [file]) == []


def test_files_are_found_among_arguments():
    arguments = ['node', '--ros-args', '--params-file', 'a.yaml', '-p', 'x:=1', '--params-file']
    assert [str(path) for path in files_in(arguments)] == ['a.yaml']
