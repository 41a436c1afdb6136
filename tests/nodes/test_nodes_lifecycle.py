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

"""What nodes do in each state of their life cycle, and what they leave behind."""

import gc
import inspect
import subprocess
import sys
import weakref

import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from node_bench import ask
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from std_msgs.msg import String

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.models.shipped import shipped_file
from av_tracker_nodes.nodes import microphone_array
from av_tracker_nodes.nodes.acoustic_map import AcousticMapNode
from av_tracker_nodes.nodes.executors import with_info
from av_tracker_nodes.nodes.face_detector import FaceDetector
from av_tracker_nodes.nodes.fusion import Fusion
from av_tracker_nodes.nodes.node_base import StageNode
from av_tracker_nodes.nodes.process import is_over
from av_tracker_nodes.nodes.speaker_beams import SpeakerBeams
from av_tracker_nodes.nodes.tracker import Tracker

SUCCESS, FAILURE, ERROR = (
    TransitionCallbackReturn.SUCCESS,
    TransitionCallbackReturn.FAILURE,
    TransitionCallbackReturn.ERROR,
)


class Model:
    """Something large."""


class Probe(StageNode):
    """Notes what is asked of it."""

    def __init__(self, **node_options):
        super().__init__('probe', **node_options)
        self.parameter('size', 1, 'Of the model', 0, 9)
        self.done, self.heard, self.failing = [], [], {}

    def configure(self):
        self.model = Model()
        self.size = self.value('size')
        self.out = self.advertise(String, 'out')
        self.subscribe(String, 'in', self.heard.append)
        self.add_timer(1.0, self.condition)
        self._do('configure')

    def activate(self):
        self._do('activate')

    def deactivate(self):
        self._do('deactivate')

    def _do(self, what):
        self.done.append(what)
        if what in self.failing:
            raise self.failing[what]

    @property
    def status(self):
        return self.diagnose()


def entities(node):
    return {*node.publishers, *node.subscriptions, *node.timers}


def test_one_state_after_the_other(make):
    node = make(Probe)
    assert node.state == node.status.message == 'unconfigured'
    assert node.done == []
    for trigger, done, state in (
        (node.trigger_configure, 'configure', 'inactive'),
        (node.trigger_activate, 'activate', 'active'),
        (node.trigger_deactivate, 'deactivate', 'inactive'),
        (node.trigger_activate, 'activate', 'active'),
        (node.trigger_deactivate, 'deactivate', 'inactive'),
        (node.trigger_cleanup, 'deactivate', 'unconfigured'),
        (node.trigger_configure, 'configure', 'inactive'),
    ):
        assert trigger() == SUCCESS
        assert (node.done[-1], node.state) == (done, state)
        values = {value.key: value.value for value in node.status.values}
        assert values['state'] == state
        assert node.status.level == DiagnosticStatus.OK


def test_only_an_active_node_is_called_back(make):
    node = make(Probe)
    calls = []
    sometimes = node.guarded(calls.append)
    always = node.guarded(calls.append, always=True)

    def call(number):
        sometimes(number)
        always(-number)

    call(1)
    node.trigger_configure()
    call(2)
    node.trigger_activate()
    call(3)
    node.trigger_deactivate()
    call(4)
    assert calls == [-1, -2, 3, -3, -4]


def test_only_an_active_node_publishes(make, monkeypatch):
    sent = []
    monkeypatch.setattr(
        'rclpy.publisher.Publisher.publish',
        lambda self, message: sent.append(message.data) if isinstance(message, String) else None,
    )
    node = make(Probe)
    node.trigger_configure()
    node.out.publish(String(data='inactive'))
    node.trigger_activate()
    node.out.publish(String(data='active'))
    node.advertise(String, 'more').publish(String(data='created later'))
    node.trigger_deactivate()
    node.out.publish(String(data='inactive again'))
    assert sent == ['active', 'created later']


def test_clean_up_frees_everything(make):
    node = make(Probe)
    before, attributes = entities(node), set(vars(node))
    node.start()
    model = weakref.ref(node.model)
    assert len(entities(node)) == len(before) + 3
    node.trigger_deactivate()
    assert model() is not None
    node.trigger_cleanup()
    gc.collect()
    assert model() is None
    assert entities(node) == before
    assert set(vars(node)) == attributes
    assert 'inputs without publisher' in {value.key for value in node.status.values}


def test_it_is_configured_again_with_other_parameters(make):
    node = make(Probe)
    node.start()
    node.trigger_deactivate()
    node.trigger_cleanup()
    assert node.set_parameters([Parameter('size', value=5)])[0].successful
    node.start()
    assert node.size == 5


def test_bad_input_leaves_it_unconfigured_with_one_line(make, capfd):
    node = make(Probe)
    before = entities(node)
    node.failing['configure'] = InputError('no model\nat /nowhere')
    assert node.trigger_configure() == FAILURE
    assert node.state == 'unconfigured'
    assert entities(node) == before
    assert not hasattr(node, 'model')
    assert (node.status.level, node.status.message) == (
        DiagnosticStatus.ERROR,
        'no model at /nowhere',
    )
    assert capfd.readouterr().err.count('no model at /nowhere') == 1
    node.failing.clear()
    assert node.trigger_configure() == SUCCESS
    assert node.status.level == DiagnosticStatus.OK


def test_what_cannot_be_opened_leaves_it_inactive_and_closed(make):
    node = make(Probe)
    node.failing['activate'] = InputError('no card')
    assert node.trigger_configure() == SUCCESS
    assert node.trigger_activate() == FAILURE
    assert node.state == 'inactive'
    assert node.done == ['configure', 'activate', 'deactivate']
    assert node.status.message == 'no card'
    node.failing.clear()
    assert node.trigger_activate() == SUCCESS


@pytest.mark.parametrize('number', [0, 1, 2])
def test_a_failure_that_nobody_foresaw_leaves_it_unconfigured(make, number):
    hooks = ('configure', 'activate', 'deactivate')
    node = make(Probe)
    before = entities(node)
    node.failing[hooks[number]] = ZeroDivisionError('by zero')
    results = [getattr(node, f'trigger_{hook}')() for hook in hooks[: number + 1]]
    assert results == [SUCCESS] * number + [ERROR]
    assert node.state == 'unconfigured'
    assert entities(node) == before
    node.failing.clear()
    node.start()
    assert node.state == 'active'


@pytest.mark.parametrize('hook', ['configure', 'activate'])
def test_started_by_itself_it_says_what_went_wrong_by_raising_it(make, capfd, hook):
    node = make(Probe)
    node.failing[hook] = InputError('no model')
    with pytest.raises(InputError, match='no model'):
        node.start()
    assert 'no model' not in capfd.readouterr().err


def test_shut_down_it_lets_go_of_everything(make):
    node = make(Probe)
    before = entities(node)
    node.start()
    assert node.trigger_shutdown() == SUCCESS
    assert node.done[-1] == 'deactivate'
    assert node.state == 'finalized'
    assert entities(node) == before
    assert is_over([node])
    assert not is_over([node, make(Probe)])


def test_shut_down_before_it_was_configured_it_still_speaks(make):
    node = make(Probe)
    assert node.trigger_shutdown() == SUCCESS
    assert node.status.message == 'finalized'


def test_at_the_end_an_active_node_closes_what_is_open(make):
    node = make(Probe)
    node.close()
    assert node.done == []
    node.start()
    node.close()
    assert node.done[-1] == 'deactivate'


@pytest.mark.parametrize('kind', [FaceDetector, AcousticMapNode, Fusion, Tracker, SpeakerBeams])
def test_stages_come_and_go_without_a_trace(make, kind):
    node = make(kind)
    before, attributes = entities(node), set(vars(node))
    for _ in range(2):
        node.start()
        assert len(entities(node)) > len(before)
        assert node.trigger_deactivate() == SUCCESS
        assert node.trigger_cleanup() == SUCCESS
        assert entities(node) == before
        assert set(vars(node)) == attributes


def test_a_stage_is_reset_and_switched_in_any_state(make):
    node = make(Tracker)
    answer = ask(node, 'reset')
    assert (answer.success, answer.message) == (False, 'unconfigured')
    assert ask(node, 'enable', data=False).success
    node.start()
    assert (node.is_active, node.is_working, node.condition()) == (True, False, 'disabled')
    node.trigger_deactivate()
    assert node.condition() == 'inactive'
    ask(node, 'enable', data=True)
    assert not node.is_working
    node.trigger_activate()
    assert node.is_working


class Card:
    """A sound card that notes who has it."""

    opened = 0

    def __init__(self, settings, deliver, now):
        self.lost = self.overruns = self.reopened = 0
        self.name = 'card'
        self.clock = type('Clock', (), {'drift': 0, 'spread': 0, 'anchors': 0, 'lost': 0})

    def open(self):
        Card.opened += 1

    def revive(self):
        return None

    def close(self):
        Card.opened -= 1


def test_the_sound_card_is_open_while_the_node_is_active(make, monkeypatch):
    monkeypatch.setattr(microphone_array, 'MicrophoneStream', Card)
    calibration = str(shipped_file('minidsp_uma16.yaml', 'calibration'))
    node = make(microphone_array.MicrophoneArrayNode, calibration=calibration)
    opened = []
    for trigger in ('configure', 'activate', 'deactivate', 'activate', 'deactivate', 'cleanup'):
        assert getattr(node, f'trigger_{trigger}')() == SUCCESS
        opened.append(Card.opened)
    assert opened == [0, 1, 0, 1, 0, 0]


def test_a_middleware_that_hangs_does_not_hold_the_end_up():
    code = (
        'import time; from rclpy.context import Context; '
        'from av_tracker_nodes.nodes import process; '
        'process.LONGEST_END = 0.5; Context.try_shutdown = lambda _: time.sleep(60); '
        'process.run()'
    )
    ended = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, timeout=50
    )
    assert ended.returncode == 1
    assert 'Timeout' in ended.stderr


def test_message_and_info_are_taken_apart_or_together():
    heard = []

    def note(message, info):
        heard.append((message, info))

    take = with_info(note)
    take('one', {'publication_sequence_number': 1})
    take(('two', {'publication_sequence_number': 2}))
    assert heard == [
        (text, {'publication_sequence_number': k}) for k, text in ((1, 'one'), (2, 'two'))
    ]
    # rclpy gives info to callbacks that cannot be called with the message alone.
    with pytest.raises(TypeError):
        inspect.signature(take).bind('message')
    inspect.signature(take).bind('message', {})
