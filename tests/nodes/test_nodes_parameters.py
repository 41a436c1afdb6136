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

"""Parameters are described, bounded, documented as they are, and change when they may."""

import json
from itertools import permutations
from types import SimpleNamespace

import pytest
import write_params
import yaml
from rclpy.parameter import Parameter

from av_tracker_nodes.acoustics import AcousticConfig
from av_tracker_nodes.association import TrackerConfig
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import Rig
from av_tracker_nodes.geometry.calibration import load_microphones
from av_tracker_nodes.launching.node_set import STAGES
from av_tracker_nodes.models.shipped import shipped_file
from av_tracker_nodes.nodes.acoustic_map import AcousticMapNode
from av_tracker_nodes.nodes.array_description import speed_of_sound
from av_tracker_nodes.nodes.av_tracker_all import NODES
from av_tracker_nodes.nodes.face_detector import FaceDetector
from av_tracker_nodes.nodes.fusion import Fusion
from av_tracker_nodes.nodes.microphone_array import MicrophoneArrayNode
from av_tracker_nodes.nodes.settings import Setting
from av_tracker_nodes.nodes.tracker import Tracker


@pytest.fixture(scope='module')
def declared():
    return write_params.declared()


@pytest.fixture
def make(context):
    nodes = []

    def make(kind, **parameters):
        overrides = [Parameter(name, value=value) for name, value in parameters.items()]
        nodes.append(kind(context=context, parameter_overrides=overrides))
        return nodes[-1]

    yield make
    for node in nodes:
        node.destroy_node()


def test_every_parameter_of_every_node_is_described(declared):
    assert set(declared) == {'/**', *NODES}
    for node, settings in declared.items():
        for setting in settings:
            assert setting.description, (node, setting.name)
            bounded = setting.low is not None or setting.default != setting.default
            if isinstance(setting.default, (int, float)) and not isinstance(setting.default, bool):
                assert bounded, (node, setting.name)


def test_shipped_file_and_document_are_as_the_nodes_declare(declared):
    """Otherwise run scripts/write_params.py."""
    assert write_params.PARAMETERS.read_text() == write_params.parameter_file(declared)
    assert write_params.TABLE.read_text() == write_params.document(declared)
    assert write_params.NAMES.read_text() == write_params.names(declared)


def test_shipped_file_has_a_section_for_every_stage_and_device():
    sections = yaml.safe_load(shipped_file('params.yaml').read_text())
    names = {name.rpartition('/')[2] for name in sections}
    assert {*STAGES, 'microphone_array', 'camera', '**'} <= names
    assert all(each['ros__parameters'] for each in sections.values())


def test_ros_knows_what_a_parameter_means_and_when_it_changes(make):
    node = make(Tracker)
    beta = node.describe_parameter('beta')
    assert 'Weight of the overlap' in beta.description
    assert (beta.floating_point_range[0].from_value, beta.floating_point_range[0].to_value) == (
        0,
        1,
    )
    assert beta.additional_constraints == ''
    assert node.describe_parameter('assignment').additional_constraints == (
        'one of optimal, greedy'
    )
    fixed = node.describe_parameter('publish_tf')
    assert fixed.additional_constraints == 'changes while the node is unconfigured'
    assert not fixed.read_only
    assert node.describe_parameter('autostart').read_only


@pytest.mark.parametrize(
    ('setting', 'change', 'limits'),
    [
        (Setting('a', 1.0, 'x', 0.5, 2.0, live=True), 'live', '0.5 .. 2'),
        (Setting('a', 1, 'x', 0, 1_000_000), 'unconfigured', '0 .. 1000000'),
        (Setting('a', '', 'x', choices=('', 'b')), 'unconfigured', "'', b"),
        (Setting('a', True, 'x', read_only=True), 'at the start', ''),
        (Setting('a', (1.0, 2.0), 'x', 0, 9), 'unconfigured', '2 values of 0 .. 9'),
    ],
)
def test_settings_tell_their_limits(setting, change, limits):
    assert (setting.change, setting.limits) == (change, limits)


@pytest.mark.parametrize(
    ('stage', 'name', 'value', 'message'),
    [
        (FaceDetector, 'threshold', 1.5, 'threshold'),
        (FaceDetector, 'model', '/nowhere.onnx', '/nowhere.onnx'),
        (AcousticMapNode, 'measure', 'loudness', 'must be one of gcf'),
        (AcousticMapNode, 'min_score', 2.0, 'min_score'),
        (AcousticMapNode, 'band', [200.0], 'band must have 2 values'),
        (AcousticMapNode, 'band', [200.0, 1e6], 'band must be within'),
        (AcousticMapNode, 'band', [7500.0, 200.0], 'band must be the lower value'),
        (AcousticMapNode, 'min_range', 9.0, 'min_range must be below max_range'),
        (Fusion, 'model', 'magic', 'must be one of'),
        (Fusion, 'model_file', '/nowhere.onnx', '/nowhere.onnx'),
        (Tracker, 'beta', -1.0, 'beta'),
        (Tracker, 'beta', 'much', 'beta'),
        (Tracker, 'speaking_on', 0.3, 'speaking_off must not be above speaking_on'),
        (MicrophoneArrayNode, 'calibration', '', 'calibration is not set'),
        (MicrophoneArrayNode, 'calibration', '/nowhere.yaml', '/nowhere.yaml'),
    ],
)
def test_wrong_parameters_are_one_clear_line(make, stage, name, value, message):
    with pytest.raises(InputError, match=message):
        make(stage, **{name: value}).start()


class TestPrecedence:
    """Of what the program gives a node in `NODE={JSON}`, and of files."""

    @pytest.fixture
    def beta(self, context, tmp_path, monkeypatch):
        def beta(sections, given=None):
            file = tmp_path / 'mine.yaml'
            file.write_text(json.dumps(sections))
            arguments = ['tracker', *([f'tracker={json.dumps(given)}'] if given else [])]
            monkeypatch.setattr('sys.argv', [*arguments, 'fusion={"beta": 0.3}'])
            cli_args = ['--ros-args', '--params-file', str(file)]
            node = Tracker(context=context, cli_args=cli_args)
            value = node.value('beta')
            node.destroy_node()
            return value

        return beta

    @pytest.mark.parametrize('names', [*permutations(['/**', '/**/tracker', 'tracker'])])
    def test_what_the_program_gives_comes_before_every_section(self, beta, names):
        sections = {name: {'ros__parameters': {'beta': 0.6}} for name in names}
        assert beta(sections, {'beta': 0.9}) == 0.9
        assert beta(sections) == 0.6

    def test_what_it_gives_others_is_theirs(self, beta):
        assert beta({}) == TrackerConfig().beta

    @pytest.mark.parametrize('text', ['{', '5', '[1]', '{"beta": }'])
    def test_what_is_no_mapping_is_one_clear_line(self, context, monkeypatch, text):
        monkeypatch.setattr('sys.argv', ['tracker', f'tracker={text}'])
        with pytest.raises(InputError, match="parameters of 'tracker' are not a mapping in JSON"):
            Tracker(context=context)


class TestUnknown:
    @pytest.fixture
    def start(self, context):
        """Start a node with ROS arguments; return the lines that it logs as warnings."""
        nodes = []

        def start(kind, *arguments, **options):
            cli_args = ['--ros-args', *arguments]
            node = kind(context=context, cli_args=cli_args, **options)
            nodes.append(node)
            lines = []
            logger = node.get_logger()
            node.get_logger = lambda: SimpleNamespace(
                **{name: lambda *_, **__: None for name in ('debug', 'info', 'error')},
                warning=lambda text, **_: lines.append(text),
            )
            node.start()
            node.get_logger = lambda: logger
            return lines

        yield start
        for node in nodes:
            node.destroy_node()

    def test_a_name_in_a_file_that_the_node_does_not_have_is_told_at_the_start(
        self, start, tmp_path
    ):
        file = tmp_path / 'mine.yaml'
        file.write_text(
            '/**/tracker: {ros__parameters: {beta: 0.5, betta: 0.5}}\n'
            '/**/fusion: {ros__parameters: {modell: x}}\n'
            '/**: {ros__parameters: {threshold: 0.5, silence_limt: 9.0}}\n'
        )
        assert start(Tracker, '--params-file', str(file)) == [
            f"parameter 'betta' of {file} is not known; did you mean 'beta'?",
            f"parameter 'silence_limt' of {file} is not known; did you mean 'silence_limit'?",
        ]

    def test_a_name_on_the_command_line_is_told_too(self, start):
        assert start(Tracker, '-p', 'betta:=0.5') == [
            "parameter 'betta' of the command line is not known; did you mean 'beta'?"
        ]

    def test_a_name_that_the_program_gives_is_told_too(self, start):
        assert start(Tracker, parameter_overrides=[Parameter('gait', value=3.0)]) == [
            "parameter 'gait' of the command line is not known; did you mean 'gate'?"
        ]

    def test_known_names_are_not_worth_a_word(self, start):
        known = ('use_sim_time:=true', 'beta:=0.5', 'qos_overrides./clock.subscription.depth:=1')
        assert start(Tracker, *(part for each in known for part in ('-p', each))) == []


def change(node, **values):
    """Set parameters all at once; return why not, or nothing."""
    result = node.set_parameters_atomically([Parameter(k, value=v) for k, v in values.items()])
    assert result.successful == (not result.reason)
    return result.reason


class TestLive:
    @pytest.fixture
    def tracker(self, make):
        node = make(Tracker)
        node.start()
        return node

    @pytest.fixture
    def mapper(self, make):
        """With its stage, as when it knows where the sensors are."""
        node = make(AcousticMapNode)
        node.start()
        rig = Rig(None, load_microphones(shipped_file('minidsp_uma16.yaml', 'calibration')))
        node._sensors = SimpleNamespace(rig=lambda stamp: rig, array_frame='mic_array')
        node._prepare()
        return node

    def test_numbers_of_the_tracker_change_at_once(self, tracker):
        assert change(tracker, gate=9.0, assignment='greedy') == ''
        assert tracker._tracker.config == TrackerConfig(gate=9.0, assignment='greedy')

    def test_a_set_that_contradicts_itself_changes_nothing(self, tracker):
        before = tracker._tracker.config
        reason = change(tracker, gate=9.0, speaking_on=0.3)
        assert reason == 'speaking_off must not be above speaking_on'
        assert tracker.value('gate') == before.gate
        assert tracker._tracker.config is before
        # Together they agree.
        assert change(tracker, speaking_off=0.2, speaking_on=0.3) == ''
        assert tracker._tracker.config == TrackerConfig(speaking_off=0.2, speaking_on=0.3)

    @pytest.mark.parametrize(
        ('values', 'reason'),
        [
            ({'gate': 1000.0}, 'out of range'),
            ({'gate': float('nan')}, 'out of range'),
            ({'gate': 9}, 'Wrong parameter type'),
            ({'assignment': 'random'}, 'it must be one of optimal, greedy'),
            ({'autostart': False}, 'read-only'),
            ({'publish_tf': True}, 'publish_tf changes only while tracker is unconfigured'),
            ({'gate': 9.0, 'target_frame': 'map'}, 'target_frame changes only'),
            ({'use_sim_time': True}, 'use_sim_time changes only'),
        ],
    )
    def test_what_cannot_be_is_refused_with_a_reason(self, tracker, values, reason):
        before = {name: tracker.value(name) for name in values}
        assert reason in change(tracker, **values)
        assert {name: tracker.value(name) for name in values} == before
        assert tracker._tracker.config == TrackerConfig()

    def test_a_whole_file_may_be_loaded_if_what_is_fixed_stays(self, tracker):
        assert change(tracker, target_frame='world', publish_tf=False, gate=9.0) == ''
        assert tracker._tracker.config.gate == 9.0

    def test_the_rest_changes_while_the_node_is_unconfigured(self, tracker):
        tracker.trigger_deactivate()
        assert 'deactivate and clean it up first' in change(tracker, publish_tf=True)
        tracker.trigger_cleanup()
        assert change(tracker, publish_tf=True) == ''
        assert 'must be one of' in change(tracker, assignment='random')
        tracker.start()
        assert tracker._transforms is not None

    def test_changes_reach_the_other_stages(self, make):
        detector, mapper, fusion = make(FaceDetector), make(AcousticMapNode), make(Fusion)
        for node in (detector, mapper, fusion):
            node.start()
        assert change(detector, threshold=0.8, scale=1.0) == ''
        assert detector._stage.detector.threshold == 0.8
        assert detector._stage.detector.scale == 1.0
        assert change(mapper, faces_timeout=0.2, patience=0.3, audio_offset=0.01) == ''
        assert mapper._trigger._faces_timeout == 500_000_000
        assert mapper._audio_offset == 0.01
        assert change(fusion, faces_timeout=0.2, patience=0.3) == ''
        assert fusion._join._timeout == 200_000_000
        assert fusion._join._patience == 300_000_000

    def test_numbers_of_the_acoustic_stage_change_at_once(self, mapper):
        assert change(mapper, min_score=0.1, context=5, face_speech=[5.0, 0.5, 11.0, 0.5]) == ''
        expected = AcousticConfig(min_score=0.1, context=5, face_speech=(5.0, 0.5, 11.0, 0.5))
        assert mapper._sound.stage.config == expected

    @pytest.mark.parametrize(
        ('values', 'reason'),
        [
            ({'frame': 0.02}, 'frame changes only while acoustic_map is unconfigured'),
            ({'band': [300.0, 3400.0]}, 'band changes only while acoustic_map is unconfigured'),
            ({'min_score': 0.1, 'across': True}, 'across changes only'),
            ({'min_score': 0.1, 'stgcf_best': 16}, 'stgcf_best must not be above stgcf_frames'),
            ({'min_score': 1.5}, 'out of range'),
            ({'peak_speech': [1.0, 2.0]}, 'peak_speech must have 4 values'),
            ({'peak_speech': [1.0, 2.0, 3.0, float('nan')]}, 'peak_speech must be within'),
            ({'face_range_limits': [2.0, 1.0]}, 'the lower value and the higher one'),
        ],
    )
    def test_what_the_acoustic_stage_cannot_take_changes_nothing(self, mapper, values, reason):
        assert reason in change(mapper, **values)
        assert mapper._sound.stage.config == AcousticConfig()
        assert mapper.value('min_score') == AcousticConfig().min_score

    def test_what_is_fixed_may_be_said_again_with_what_is_live(self, mapper):
        assert change(mapper, band=[200.0, 7500.0], frame=0.04, min_score=0.1) == ''
        assert mapper._sound.stage.config == AcousticConfig(min_score=0.1)

    def test_the_speed_of_sound_follows_the_temperature(self, make):
        calibration = str(shipped_file('minidsp_uma16.yaml', 'calibration'))
        node = make(MicrophoneArrayNode, calibration=calibration)
        assert node.trigger_configure().name == 'SUCCESS'
        assert 'no temperature of a room' in change(node, temperature=300.0)
        assert change(node, temperature=30.0) == ''
        assert node._array.microphones.speed_of_sound == speed_of_sound(30.0)
