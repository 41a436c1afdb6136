# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Parameters are described, bounded, and shown in the shipped file as they are."""

import importlib.util
import re

import pytest
import yaml

if importlib.util.find_spec('rclpy') is None:
    pytest.skip('needs rclpy', allow_module_level=True)

from rclpy.parameter import Parameter

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.nodes.acoustic_map import AcousticMapNode
from av_tracker_nodes.nodes.face_detector import FaceDetector
from av_tracker_nodes.nodes.fusion import Fusion
from av_tracker_nodes.nodes.microphone_array import MicrophoneArrayNode
from av_tracker_nodes.nodes.tracker import Tracker
from av_tracker_nodes.shipped import shipped_file

STAGES = (FaceDetector, AcousticMapNode, Fusion, Tracker)
OF_ROS = {'use_sim_time', 'start_type_description_service'}


@pytest.fixture(scope='module')
def nodes(context):
    nodes = [stage(context=context) for stage in STAGES]
    yield {node.get_name(): node for node in nodes}
    for node in nodes:
        node.destroy_node()


def own_parameters(node):
    names = node.get_parameters_by_prefix('')
    return {name: parameter.value for name, parameter in names.items() if name not in OF_ROS}


@pytest.mark.parametrize('name', ['face_detector', 'acoustic_map', 'fusion', 'tracker'])
def test_every_parameter_is_described(nodes, name):
    for parameter, value in own_parameters(nodes[name]).items():
        described = nodes[name].describe_parameter(parameter)
        assert described.description, parameter
        if isinstance(value, float):
            assert described.floating_point_range, parameter


@pytest.mark.parametrize('name', ['face_detector', 'acoustic_map', 'fusion', 'tracker'])
def test_shipped_file_shows_the_defaults(nodes, name):
    """Lines that are commented out are taken in too."""
    text = shipped_file('params.yaml').read_text()
    text = re.sub(r'^    # (\w+: [^ ].*)$', _uncommented(nodes[name]), text, flags=re.M)
    shown = yaml.safe_load(text)[f'/**/{name}']['ros__parameters']
    real = own_parameters(nodes[name])
    assert shown.items() <= real.items(), {
        key: (value, real.get(key)) for key, value in shown.items() if real.get(key) != value
    }
    if name == 'tracker':
        assert len(shown) > 15


def _uncommented(node):
    def uncomment(match):
        name = match[1].partition(':')[0]
        return f'    {match[1]}' if node.has_parameter(name) else match[0]

    return uncomment


@pytest.mark.parametrize(
    ('stage', 'name', 'value', 'message'),
    [
        (FaceDetector, 'threshold', 1.5, 'threshold'),
        (AcousticMapNode, 'measure', 'loudness', 'must be one of gcf'),
        (Fusion, 'model', 'magic', 'must be one of'),
        (Tracker, 'beta', -1.0, 'beta'),
        (Tracker, 'beta', 'much', 'beta'),
        (MicrophoneArrayNode, 'calibration', '', 'calibration is not set'),
        (MicrophoneArrayNode, 'calibration', '/nowhere.yaml', '/nowhere.yaml'),
    ],
)
def test_wrong_parameters_are_one_clear_line(context, stage, name, value, message):
    with pytest.raises(InputError, match=message):
        stage(context=context, parameter_overrides=[Parameter(name, value=value)])
