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

import numpy as np
import onnxruntime
import pytest
import write_params
import yaml
from node_bench import catch, facts_of, install, tell, tick
from rclpy.parameter import Parameter

from av_tracker_nodes.acoustics import AcousticConfig, backend
from av_tracker_nodes.acoustics.sound_mapper import SoundMapper
from av_tracker_nodes.association import TrackerConfig
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import MicrophoneArray
from av_tracker_nodes.launching.node_set import STAGES
from av_tracker_nodes.models.shipped import shipped_file
from av_tracker_nodes.nodes import acoustic_map, face_detector, fusion, microphone_array, tracker
from av_tracker_nodes.nodes.array_description import speed_of_sound
from av_tracker_nodes.nodes.av_tracker_all import NODES
from av_tracker_nodes.nodes.conversions import to_audio
from av_tracker_nodes.nodes.settings import Setting
from av_tracker_nodes.synchronisation import CycleTrigger, FusionJoin

UMA16 = shipped_file('minidsp_uma16.yaml', 'calibration')


@pytest.fixture(scope='module')
def declared():
    return write_params.declared()


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
    pages = write_params.documents(declared)
    assert pages == {page: page.read_text() for page in pages}
    assert write_params.NAMES.read_text() == write_params.names(declared)


def test_shipped_file_has_a_section_for_every_stage_and_device():
    sections = yaml.safe_load(shipped_file('params.yaml').read_text())
    names = {name.rpartition('/')[2] for name in sections}
    assert {*STAGES, 'microphone_array', 'camera', '**'} <= names
    assert all(each['ros__parameters'] for each in sections.values())


def test_ros_knows_what_a_parameter_means_and_when_it_changes(make):
    node = make(tracker.Tracker)
    beta = node.describe_parameter('beta')
    assert 'Weight of the overlap' in beta.description
    (limits,) = beta.floating_point_range
    assert (limits.from_value, limits.to_value) == (0, 1)
    assert beta.additional_constraints == ''
    assignment = node.describe_parameter('assignment')
    assert assignment.additional_constraints == 'one of optimal, greedy'
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
        (face_detector.FaceDetector, 'threshold', 1.5, 'threshold'),
        (face_detector.FaceDetector, 'model', '/nowhere.onnx', '/nowhere.onnx'),
        (acoustic_map.AcousticMapNode, 'measure', 'loudness', 'must be one of gcf'),
        (acoustic_map.AcousticMapNode, 'min_score', 2.0, 'min_score'),
        (acoustic_map.AcousticMapNode, 'band', [200.0], 'band must have 2 values'),
        (acoustic_map.AcousticMapNode, 'band', [200.0, 1e6], 'band must be within'),
        (acoustic_map.AcousticMapNode, 'band', [7500.0, 200.0], 'band must be the lower value'),
        (acoustic_map.AcousticMapNode, 'min_range', 9.0, 'min_range must be below max_range'),
        (fusion.Fusion, 'model', 'magic', 'must be one of'),
        (fusion.Fusion, 'model_file', '/nowhere.onnx', '/nowhere.onnx'),
        (tracker.Tracker, 'beta', -1.0, 'beta'),
        (tracker.Tracker, 'beta', 'much', 'beta'),
        (tracker.Tracker, 'speaking_on', 0.3, 'speaking_off must not be above speaking_on'),
        (microphone_array.MicrophoneArrayNode, 'calibration', '', 'calibration is not set'),
        (microphone_array.MicrophoneArrayNode, 'calibration', '/nowhere.yaml', '/nowhere.yaml'),
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
            node = tracker.Tracker(context=context, cli_args=cli_args)
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
            tracker.Tracker(context=context)


class TestUnknown:
    @pytest.fixture
    def warnings(self, context):
        """Start a node with ROS arguments; return the lines that it logs as warnings."""
        nodes = []

        def warnings(kind, *arguments, **options):
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

        yield warnings
        for node in nodes:
            node.destroy_node()

    def test_a_name_in_a_file_that_the_node_does_not_have_is_told_at_the_start(
        self, warnings, tmp_path
    ):
        file = tmp_path / 'mine.yaml'
        file.write_text(
            '/**/tracker: {ros__parameters: {beta: 0.5, betta: 0.5}}\n'
            '/**/fusion: {ros__parameters: {modell: x}}\n'
            '/**: {ros__parameters: {threshold: 0.5, silence_limt: 9.0}}\n'
        )
        assert warnings(tracker.Tracker, '--params-file', str(file)) == [
            f"parameter 'betta' of {file} is not known; did you mean 'beta'?",
            f"parameter 'silence_limt' of {file} is not known; did you mean 'silence_limit'?",
        ]

    @pytest.mark.parametrize(
        ('arguments', 'given', 'name', 'meant'),
        [
            (('-p', 'betta:=0.5'), None, 'betta', 'beta'),
            ((), [Parameter('gait', value=3.0)], 'gait', 'gate'),
        ],
        ids=['on the command line', 'of the program'],
    )
    def test_a_name_that_comes_from_elsewhere_is_told_too(
        self, warnings, arguments, given, name, meant
    ):
        assert warnings(tracker.Tracker, *arguments, parameter_overrides=given) == [
            f"parameter '{name}' of the command line is not known; did you mean '{meant}'?"
        ]

    def test_known_names_are_not_worth_a_word(self, warnings):
        known = ('use_sim_time:=true', 'beta:=0.5', 'qos_overrides./clock.subscription.depth:=1')
        assert warnings(tracker.Tracker, *(part for each in known for part in ('-p', each))) == []


def change(node, **values):
    """Set parameters all at once; return why not, or nothing."""
    result = node.set_parameters_atomically([Parameter(k, value=v) for k, v in values.items()])
    assert result.successful == (not result.reason)
    return result.reason


class TestLive:
    @pytest.fixture
    def following(self, start, monkeypatch):
        """A tracker, and what it follows people with."""
        made = catch(monkeypatch, tracker, 'SpeakerTracker')
        node = start(tracker.Tracker)
        return node, made[0]

    @pytest.fixture
    def mapping(self, start, monkeypatch):
        """A node that knows where the microphones are, and its stage."""
        made = catch(monkeypatch, acoustic_map, 'SoundMapper')
        node = start(acoustic_map.AcousticMapNode, sees=False)
        install(node, array=MicrophoneArray(0.1 * np.eye(4, 3)))
        tick(node)
        return node, made[0].stage

    def test_numbers_of_the_tracker_change_at_once(self, following):
        node, people = following
        assert change(node, gate=9.0, assignment='greedy') == ''
        assert people.config == TrackerConfig(gate=9.0, assignment='greedy')

    def test_a_set_that_contradicts_itself_changes_nothing(self, following):
        node, people = following
        before = people.config
        reason = change(node, gate=9.0, speaking_on=0.3)
        assert reason == 'speaking_off must not be above speaking_on'
        assert node.value('gate') == before.gate
        assert people.config is before
        # Together they agree.
        assert change(node, speaking_off=0.2, speaking_on=0.3) == ''
        assert people.config == TrackerConfig(speaking_off=0.2, speaking_on=0.3)

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
    def test_what_cannot_be_is_refused_with_a_reason(self, following, values, reason):
        node, people = following
        before = {name: node.value(name) for name in values}
        assert reason in change(node, **values)
        assert {name: node.value(name) for name in values} == before
        assert people.config == TrackerConfig()

    def test_a_whole_file_may_be_loaded_if_what_is_fixed_stays(self, following):
        node, people = following
        assert change(node, target_frame='world', publish_tf=False, gate=9.0) == ''
        assert people.config.gate == 9.0

    def test_the_rest_changes_while_the_node_is_unconfigured(self, start):
        node = start(tracker.Tracker)
        node.trigger_deactivate()
        assert 'deactivate and clean it up first' in change(node, publish_tf=True)
        node.trigger_cleanup()
        assert change(node, publish_tf=True) == ''
        assert 'must be one of' in change(node, assignment='random')
        node.start()
        assert '/tf' in node.sent

    def test_changes_reach_the_detector(self, start, monkeypatch):
        made = catch(monkeypatch, face_detector, 'FaceStage')
        assert change(start(face_detector.FaceDetector), threshold=0.8, scale=1.0) == ''
        assert (made[0].detector.threshold, made[0].detector.scale) == (0.8, 1.0)

    @pytest.mark.parametrize(
        ('kind', 'joiner'),
        [(acoustic_map.AcousticMapNode, CycleTrigger), (fusion.Fusion, FusionJoin)],
    )
    def test_changes_reach_those_who_wait(self, start, monkeypatch, kind, joiner):
        node, waits = start(kind), []
        monkeypatch.setattr(joiner, 'wait_for', lambda _, **times: waits.append(times))
        assert change(node, faces_timeout=0.2, patience=0.3) == ''
        assert {'faces_timeout': 0.2, 'patience': 0.3}.items() <= waits[-1].items()

    def test_an_audio_offset_moves_the_stamps_of_sound(self, start, monkeypatch):
        heard = []
        monkeypatch.setattr(SoundMapper, 'hear', lambda _, block: heard.append(block.stamp))
        node = start(acoustic_map.AcousticMapNode, audio_offset=-0.085)
        silence = to_audio(10**10, 0, 16_000, np.zeros((160, 4), np.int16), 'array')
        tell(node, 'audio', silence)
        assert change(node, audio_offset=0.01) == ''
        tell(node, 'audio', silence)
        assert heard == [9_915_000_000, 10_010_000_000]

    def test_numbers_of_the_acoustic_stage_change_at_once(self, mapping):
        node, stage = mapping
        assert change(node, min_score=0.1, context=5, face_speech=[5.0, 0.5, 11.0, 0.5]) == ''
        expected = AcousticConfig(min_score=0.1, context=5, face_speech=(5.0, 0.5, 11.0, 0.5))
        assert stage.config == expected

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
    def test_what_the_acoustic_stage_cannot_take_changes_nothing(self, mapping, values, reason):
        node, stage = mapping
        assert reason in change(node, **values)
        assert stage.config == AcousticConfig()
        assert node.value('min_score') == AcousticConfig().min_score

    def test_what_is_fixed_may_be_said_again_with_what_is_live(self, mapping):
        node, stage = mapping
        assert change(node, band=[200.0, 7500.0], frame=0.04, min_score=0.1) == ''
        assert stage.config == AcousticConfig(min_score=0.1)

    def test_the_speed_of_sound_follows_the_temperature(self, make, monkeypatch):
        made = catch(monkeypatch, microphone_array, 'ArrayDescription')
        node = make(microphone_array.MicrophoneArrayNode, calibration=str(UMA16))
        assert node.trigger_configure().name == 'SUCCESS'
        assert 'no temperature of a room' in change(node, temperature=300.0)
        assert change(node, temperature=30.0) == ''
        assert made[0].microphones.speed_of_sound == speed_of_sound(30.0)


# ---- nodes that are told to use CUDA do not start without it; others say what they use


CUDA, CPU = 'CUDAExecutionProvider', 'CPUExecutionProvider'


@pytest.fixture
def told(start, monkeypatch):
    """Start a node where ONNX Runtime was built for CUDA and cannot load it; return its facts."""
    session = onnxruntime.InferenceSession
    monkeypatch.setattr(onnxruntime, 'get_available_providers', lambda: [CUDA, CPU])
    monkeypatch.setattr(
        onnxruntime, 'InferenceSession', lambda *given, **_: session(*given[:2], providers=[CPU])
    )
    return lambda kind, **parameters: facts_of(start(kind, **parameters))


def test_a_network_that_is_to_run_on_cuda_does_not_start_elsewhere(told):
    with pytest.raises(InputError, match='cannot use CUDA here'):
        told(fusion.Fusion, model='avclnet', device='cuda')


def test_a_network_that_may_run_anywhere_tells_where_it_does(told):
    facts = told(fusion.Fusion, model='avclnet', device='auto')
    assert facts['provider'] == CPU
    assert facts['fallback'] == 'CUDA cannot be used: the network runs on the CPU'
    assert 'fallback' not in told(fusion.Fusion, model='avclnet', device='cpu')
    assert 'fallback' not in told(fusion.Fusion, model='vggcf', device='auto')


def test_maps_that_are_to_be_made_by_cuda_are_made_by_nothing_else(start, monkeypatch):
    monkeypatch.setattr(backend, 'cuda_available', lambda: False)
    with pytest.raises(InputError, match="acoustic backend 'cuda' cannot be used here"):
        start(acoustic_map.AcousticMapNode, backend='cuda')
    # Where nobody hears, it does not matter.
    start(acoustic_map.AcousticMapNode, backend='cuda', hears=False)
