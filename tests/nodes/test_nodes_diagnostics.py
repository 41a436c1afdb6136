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

"""What nodes say of themselves, and when it is a warning or an error."""

from types import SimpleNamespace

import pytest
import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.time import Time
from std_msgs.msg import String

from av_tracker_nodes.nodes import diagnostics
from av_tracker_nodes.nodes.flow import Flow, Growth
from av_tracker_nodes.nodes.node_base import StageNode
from av_tracker_nodes.nodes.stage_reports import StageReports
from av_tracker_nodes.types import to_nanoseconds

OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR


def test_growth_is_that_of_the_last_ten_marks():
    now = 100.0
    growth = Growth(lambda: now)
    assert (growth.total, growth.rate) == (0, 0.0)
    for second in range(1, 31):
        now = 100.0 + second
        growth.mark(25 * min(second, 20))
    assert growth.total == 0
    assert growth.rate == 0.0
    for second in range(31, 36):
        now = 100.0 + second
        growth.mark(500 + 10 * (second - 30))
    assert growth.total == 50
    assert growth.rate == pytest.approx(5.0)


class TestFlow:
    def test_counts_what_is_missing_between_numbers(self):
        flow = Flow('images')
        for number in (7, 8, 11, 12, 20):
            flow.note(0, number)
        flow.mark()
        assert flow.lost == 9
        assert flow.loss == pytest.approx(9 / 14)

    def test_a_publisher_that_starts_again_loses_nothing(self):
        flow = Flow('images')
        for publisher, number in (('a', 100), ('a', 101), ('b', 1), ('b', 2), ('c', 900)):
            flow.note(0, number, publisher)
        assert flow.lost == 0

    @pytest.mark.parametrize(
        ('publishers', 'rivals'),
        [
            ('aaaa', False),
            ('aaabbbccc', False),  # each was started again
            ('aaabab', True),
            ('aabaab', True),
            ('aabab' + 'b' * 20, True),
            ('aaba' + 'a' * 20, False),  # one message of somebody, once
            ('abcabc', True),
        ],
    )
    def test_two_who_publish_in_turns_are_noticed(self, publishers, rivals):
        flow = Flow('images')
        for number, publisher in enumerate(publishers):
            flow.note(0, number, publisher)
        flow.mark()
        assert ('two nodes publish images' in (flow.rivalry or '')) is rivals
        for _ in range(11):
            flow.mark()
        assert flow.rivalry is None
        assert bool(flow.former_rivalry) is rivals

    def test_without_numbers_nothing_is_known_to_be_lost(self):
        flow = Flow('images')
        flow.note(0)
        flow.note(0)
        assert flow.lost == 0

    def test_silence_counts_from_the_last_message(self):
        flow = Flow('images')
        assert flow.silence(to_nanoseconds(50)) == 0
        flow.note(to_nanoseconds(50))
        assert flow.silence(to_nanoseconds(53.5)) == 3.5

    def test_a_recording_that_begins_again_is_no_silence(self):
        flow = Flow('images')
        flow.note(to_nanoseconds(50))
        assert flow.silence(to_nanoseconds(10)) == 0
        assert flow.silence(to_nanoseconds(12)) == 2


class Listener(StageNode):
    """Hears something that it needs, and something else."""

    def __init__(self, **node_options):
        super().__init__('listener', **node_options)
        self.now = to_nanoseconds(100)
        self.status = None

    def get_clock(self):
        now = Time(nanoseconds=getattr(self, 'now', 0))
        return SimpleNamespace(now=lambda: now)

    def configure(self):
        self.subscribe(String, 'needed', lambda message: None, needed=True)
        self.subscribe(String, 'welcome', lambda message: None)

    def report(self):
        self.status = self.diagnose()
        return self.status.level, self.status.message

    @property
    def values(self):
        return {value.key: value.value for value in self.status.values}


@pytest.fixture
def node(context):
    node = Listener(context=context, parameter_overrides=[Parameter('loss_limit', value=0.2)])
    node.start()
    yield node
    node.destroy_node()


def hear(node, *names, number=None):
    for flow in node.flows:
        if flow.topic in names:
            flow.note(node.now, number)


def test_an_input_that_never_came_is_no_fault(node):
    node.now += to_nanoseconds(60)
    assert node.report() == (OK, 'running')


def test_a_needed_input_that_stops_is_an_error_and_another_a_warning(node):
    hear(node, 'needed', 'welcome')
    node.now += to_nanoseconds(2)
    hear(node, 'needed')
    assert node.report() == (OK, 'running')
    node.now += to_nanoseconds(2)
    assert node.report() == (WARN, 'nothing on welcome for 4 s')
    node.now += to_nanoseconds(2)
    assert node.report() == (ERROR, 'nothing on needed for 4 s; nothing on welcome for 6 s')
    hear(node, 'needed', 'welcome')
    assert node.report() == (OK, 'running')
    node.now += to_nanoseconds(60)
    node.trigger_deactivate()
    assert node.report() == (OK, 'inactive')


def test_losses_beyond_the_limit_are_a_warning_for_ten_seconds(node):
    for number in (1, 2, 4, 5, 6, 7):
        hear(node, 'needed', number=number)
    assert node.report() == (OK, 'running')
    hear(node, 'needed', number=18)
    assert node.report() == (WARN, '61% of needed were lost')
    assert node.values['needed lost'] == '11'
    assert 'welcome lost' not in node.values
    node.set_parameters([Parameter('loss_limit', value=0.7)])
    assert node.report() == (OK, 'running')
    node.set_parameters([Parameter('loss_limit', value=0.2)])
    for _ in range(10):
        node.report()
    assert node.report() == (OK, 'running')


def test_outputs_that_come_late_are_a_warning_while_they_do(node):
    node.clock = SimpleNamespace(now=lambda: to_nanoseconds(10.0))
    for late in (0.05, 0.3, 0.4):
        node.answered(to_nanoseconds(10.0 - late), 0)
    level, message = node.report()
    assert level == WARN
    assert message == 'outputs come 300 ms after the capture of their images'
    assert node.values['latency median (ms)'] == '300.0'
    assert node.report() == (OK, 'running')


def test_faults_are_errors_problems_warnings(node):
    node.note('device', 'the camera was cut off', is_fault=True)
    node.note('camera', 'no camera_info yet')
    assert node.report() == (ERROR, 'the camera was cut off; no camera_info yet')
    node.note('device', None, is_fault=True)
    assert node.report() == (WARN, 'no camera_info yet')
    node.note('camera', None)
    assert node.report() == (OK, 'running')


def test_a_problem_is_logged_once(node, capfd):
    for _ in range(3):
        node.note('device', 'the camera was cut off', is_fault=True)
    assert capfd.readouterr().err.count('was cut off') == 1
    node.note('device', None, is_fault=True)
    node.note('device', None, is_fault=True)
    assert capfd.readouterr().err.count('device: all is well again') == 1


def test_an_outage_is_logged_when_it_begins_and_when_it_ends(node, capfd):
    for age in ('0.6', '0.7', '0.8'):
        node.note_outage('camera', f'transform is {age} s old')
        node.note_outage('array', f'transform is {age} s old')
    assert node.report() == (ERROR, 'transform is 0.8 s old')
    said = capfd.readouterr().err
    assert said.count('[ERROR]') == said.count('camera: ') + said.count('array: ') == 2
    for _ in range(2):
        node.note_outage('camera', None)
    assert capfd.readouterr().err.count('camera: all is well again') == 1
    node.note_outage('array', None)
    assert node.report() == (OK, 'running')


def test_the_device_is_the_hardware(node):
    node.facts['device'] = 'UMA-16'
    node.report()
    assert node.status.hardware_id == 'UMA-16'


def test_who_waits_for_a_node_is_told_at_once(context, monkeypatch):
    monkeypatch.setattr(diagnostics, '_PERIOD', 3600.0)
    node, other = Listener(context=context), rclpy.create_node('other', context=context)
    reports = []

    def note(message):
        values = {value.key: value.value for value in message.status[0].values}
        names = ('state', 'inputs without publisher', 'ready')
        reports.append(tuple(values.get(name) for name in names))

    other.create_subscription(DiagnosticArray, '/diagnostics', note, 10)
    executor = SingleThreadedExecutor(context=context)
    for each in (node, other):
        executor.add_node(each)

    def comes(*report):
        for _ in range(200):
            if report in reports:
                return True
            executor.spin_once(timeout_sec=0.1)
        return False

    try:
        assert comes('unconfigured', '', None)
        node.start()
        assert comes('active', '/needed /welcome', None)
        other.create_publisher(String, 'needed', 10)
        assert comes('active', '/welcome', None)
        node.facts['ready'] = True
        assert comes('active', '/welcome', 'True')
        assert len(reports) <= 5
    finally:
        executor.shutdown()
        node.destroy_node()
        other.destroy_node()


# ---- what stages count is added up over their lives


def report(out, **counts):
    return {'out': str(out), **{name: str(value) for name, value in counts.items()}}


def test_a_stage_that_lives_on_is_what_it_said_last():
    reports = StageReports()
    for out in range(0, 50, 10):
        reports.take('fusion', report(out, unplaced=out // 10))
    assert reports.number('fusion', 'unplaced') == 4


def test_lives_are_added_up():
    reports = StageReports()
    for out in (10, 40, 0, 25, 5):
        reports.take('face_detector', report(out, faces=2 * out))
        reports.take('fusion', report(7, misfits=3))
    assert reports.number('face_detector', 'faces') == 2 * (40 + 25 + 5)
    assert reports.number('fusion', 'misfits') == 3
    assert reports.lately('face_detector', 'out') == 5


def test_nothing_was_counted_by_whom_nobody_has_heard_of():
    assert StageReports().number('tracker', 'faces') == 0


def test_percentiles_are_those_of_the_newest_report():
    reports = StageReports()
    for median in ('12.5', '14.0'):
        values = {'latency median (ms)': median, 'latency p95 (ms)': '20'}
        reports.take('tracker', {**report(3), **values})
    assert reports.percentiles('latency') == {'tracker': {'median': 14.0, 'p95': 20.0}}
    assert reports.percentiles('work') == {'tracker': {}}
