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

"""Nodes that survive errors in their callbacks, and say on ``/diagnostics`` how they do."""

from __future__ import annotations

import functools
import time
import traceback
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType
from rclpy.executors import ExternalShutdownException
from rclpy.subscription import Subscription

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.nodes.clock import RosClock
from av_tracker_nodes.nodes.flow import Flow, Growth
from av_tracker_nodes.nodes.parameters import ParameterNode
from av_tracker_nodes.synchronisation.durations import Durations

_PERIOD = 1.0
_GLANCE = 0.1
"""How often (s) a node looks whether it has come so far that others need not wait any longer."""

Read = TypeVar('Read')
_LOG_PERIOD = 5.0
"""Of what may be wrong with every message, no more than a line in this time (s) is logged."""


class DiagnosticNode(ParameterNode):
    """A managed node that says once a second how it does, and at once when it has come farther.

    It tells messages in and out, latency from the capture stamp to its output, time of its own
    work, what it lacks, what went wrong.

    Attributes
    ----------
    is_active, is_finalized : bool
        Set by the life cycle.
    counts : collections.Counter
        Events by name.
    facts : dict
        Things worth knowing that do not change often.
    problems : dict of str to str
        What is wrong now, by topic of concern; shown as a warning until taken out.
    faults : dict of str to str
        What keeps the node from its work, likewise; shown as an error.
    latency, work : Durations
        Of all outputs.
    flows : list of Flow
        Streams that are listened to.
    clock : RosClock
        Made when the node is configured.
    """

    clock: RosClock

    def __init__(self, name: str, **node_options: Any) -> None:
        super().__init__(name, **node_options)
        self.is_active = self.is_finalized = False
        self._failure: Exception | None = None
        self._forget_figures()
        self._declare_limits()
        self._diagnostics = self.create_publisher(DiagnosticArray, '/diagnostics', 10)
        self._steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._told_progress: tuple[object, ...] | None = None
        self.add_timer(_PERIOD, self._publish_diagnostics, always=True)
        self.add_timer(_GLANCE, self._tell_progress, always=True)

    @property
    def state(self) -> str:
        """Where in its life cycle the node is."""
        if self.is_finalized:
            return 'finalized'
        if self.is_active:
            return 'active'
        return 'inactive' if self.is_configured else 'unconfigured'

    @property
    def is_working(self) -> bool:
        """Whether callbacks are called."""
        return self.is_active

    def condition(self) -> str:
        """Say in a word how the node is while nothing is wrong."""
        return 'running' if self.is_active else self.state

    # ---- callbacks

    def guarded(self, callback: Callable, *, always: bool = False) -> Callable:
        """Wrap a callback so that bad input is a warning and a diagnostic, never the end.

        Unless it is to be called `always`, it is skipped while the node does not work.
        """

        @functools.wraps(callback)
        def run(*arguments: Any) -> None:
            if not always and not self.is_working:
                return
            try:
                callback(*arguments)
            except ExternalShutdownException:
                raise
            except Exception as error:
                # What fails because the process is being ended is not worth a word.
                if self.context.ok():
                    self._report(error)

        return run

    def add_timer(self, seconds: float, callback: Callable, *, always: bool = False) -> None:
        """Call back at a period of steady time, whatever the ROS clock does."""
        self.create_timer(seconds, self.guarded(callback, always=always), clock=self._steady)

    # ---- what nodes tell of themselves

    def answered(self, stamp: int, began: int, from_image: bool = True) -> None:
        """Note an output for the input of a stamp, worked on since steady time `began` (ns).

        Latency is that of images: the stamps of sound alone are instants that the acoustic map
        chose after they had passed.
        """
        self.counts['out'] += 1
        self.work.add(time.monotonic_ns() - began)
        now = self.clock.now()
        if from_image and now is not None:
            self.latency.add(now - stamp)
            self._latest.add(now - stamp)

    def leave_out(self, reason: str) -> None:
        """Note that a part of a message cannot be used, such as one of many tracks; the rest is.

        The diagnostics count what was left out and tell the last reason.
        """
        self.counts['left out'] += 1
        self.facts['last left out'] = reason
        self.get_logger().warning(f'left out: {reason}', throttle_duration_sec=_LOG_PERIOD)

    def note(self, concern: str, problem: str | None, *, is_fault: bool = False) -> None:
        """Show a problem, or a fault, in the diagnostics until it is None; log it once."""
        shown = self.faults if is_fault else self.problems
        if not problem:
            if shown.pop(concern, None):
                self.get_logger().info(f'{concern}: all is well again')
        elif shown.get(concern) != problem:
            shown[concern] = problem
            self.get_logger().warning(problem)

    def note_outage(self, concern: str, problem: str | None) -> None:
        """Show a fault whose words change while it lasts, until it is None.

        It is logged when it begins and when it is over.
        """
        if problem:
            if concern not in self.faults:
                self.get_logger().error(f'{concern}: {problem}')
            self.faults[concern] = problem
        elif self.faults.pop(concern, None):
            self.get_logger().info(f'{concern}: all is well again')

    def readable(self, read: Callable[[], Read]) -> Read:
        """Return what a message holds; one that cannot be read is counted as ``unreadable``.

        Raises
        ------
        InputError
            It cannot be.
        """
        try:
            return read()
        except InputError:
            self.counts['unreadable'] += 1
            raise

    # ---- what is published

    def diagnose(self) -> DiagnosticStatus:
        """Say how the node has done since the last time."""
        self._out_lately.mark(self.counts['out'])
        for flow in self.flows:
            flow.mark()
            self.note(f'publishers of {flow.topic}', flow.rivalry, is_fault=flow.is_needed)
        faults, problems = self._complaints()
        level = DiagnosticStatus.WARN if problems else DiagnosticStatus.OK
        status = DiagnosticStatus(
            level=DiagnosticStatus.ERROR if faults else level,
            name=f'{self.get_fully_qualified_name().lstrip("/")}: stage',
            message='; '.join(dict.fromkeys([*faults, *problems])) or self.condition(),
            hardware_id=str(self.facts.get('device', 'av_tracker')),
            values=[KeyValue(key=key, value=str(value)) for key, value in self._values().items()],
        )
        self.problems.pop('input', None)
        self._latest = Durations()
        return status

    def _publish_diagnostics(self) -> None:
        message = DiagnosticArray(status=[self.diagnose()])
        message.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(message)
        self._told_progress = self._progress()

    def _tell_progress(self) -> None:
        """Spare who waits for this node the rest of the second."""
        if self._progress() != self._told_progress:
            self._publish_diagnostics()

    def _progress(self) -> tuple[object, ...]:
        """Return what others wait for: whether it works, hears its inputs, is ready, has ended."""
        return self.state, self._unmatched(), self.facts.get('ready'), self.facts.get('ended')

    def _unmatched(self) -> str:
        """Topics that are listened to and that nobody publishes, separated by spaces."""
        return ' '.join(s.topic_name for s in self._inputs if s.get_publisher_count() == 0)

    def _complaints(self) -> tuple[list[str], list[str]]:
        """Return what keeps the node from its work now, and what else is wrong."""
        failed = [one_line(self._failure)] if self._failure else []
        faults, problems = [*failed, *self.faults.values()], list(self.problems.values())
        if not self.is_working:
            return faults, problems
        now = self.get_clock().now().nanoseconds
        for flow in self.flows:
            silence = flow.silence(now)
            if silence > self.value('silence_limit'):
                told = faults if flow.is_needed else problems
                told.append(f'nothing on {flow.topic} for {silence:.0f} s')
            if flow.loss > self.value('loss_limit'):
                problems.append(f'{flow.loss:.0%} of {flow.topic} were lost')
        median = self._latest.summary().get('median', 0.0)
        if median > 1e3 * self.value('latency_limit'):
            problems.append(f'outputs come {median:.0f} ms after the capture of their images')
        return faults, problems

    def _values(self) -> dict[str, Any]:
        return {
            'state': self.state,
            'inputs without publisher': self._unmatched(),
            **{f'{flow.topic} (Hz)': round(flow.rate, 1) for flow in self.flows},
            **{f'{flow.topic} lost': flow.lost for flow in self.flows if flow.lost},
            'out (Hz)': round(self._out_lately.rate, 1),
            **{f'latency {name} (ms)': v for name, v in self.latency.summary().items()},
            **{f'work {name} (ms)': v for name, v in self.work.summary().items()},
            **self.facts,
            **self.counts,
        }

    def _declare_limits(self) -> None:
        self.parameter(
            'latency_limit',
            0.2,
            'The diagnostics warn when the median latency of a second, from the capture of the '
            'images to the output, is above this (s)',
            0.001,
            60.0,
            live=True,
        )
        self.parameter(
            'loss_limit',
            0.1,
            'The diagnostics warn when more than this share of an input was lost in 10 s',
            0.0,
            1.0,
            live=True,
        )
        self.parameter(
            'silence_limit',
            3.0,
            'When an input that came has stopped for this long (s), the diagnostics show an error '
            'if the node can do nothing without it, else a warning',
            0.1,
            3600.0,
            live=True,
        )

    def _forget_figures(self) -> None:
        self.counts: Counter[str] = Counter()
        self.facts: dict[str, Any] = {}
        self.problems: dict[str, str] = {}
        self.faults: dict[str, str] = {}
        self.latency, self.work, self._latest = Durations(), Durations(), Durations()
        self.flows: list[Flow] = []
        self._inputs: list[Subscription] = []
        self._out_lately = Growth()

    def _report(self, error: Exception) -> None:
        text = one_line(error)
        self.counts['errors'] += 1
        self.facts['last error'] = text
        if self.problems.get('input') == text:
            return
        self.problems['input'] = text
        self.get_logger().warning(text)
        if not isinstance(error, InputError):
            self.get_logger().warning(traceback.format_exc())


def one_line(error: Exception) -> str:
    """Message of an error without line breaks; its type where it has none."""
    return ' '.join(str(error).split()) or type(error).__name__
