# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""What all nodes share: described parameters, guarded callbacks, diagnostics, a clean end."""

from __future__ import annotations

import functools
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import cv2
import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.clock import Clock, ClockType
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile
from rclpy.subscription import Subscription

from av_tracker_nodes.durations import Durations
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.nodes.clock import RosClock
from av_tracker_nodes.nodes.quality_of_service import RESULTS
from av_tracker_nodes.types import NANOSECONDS

_PERIOD = 1.0
_LONGEST_WAIT = 0.1


class StageNode(Node):
    """A node around one stage.

    It says once a second on ``/diagnostics`` how it does: messages in and out, latency from the
    capture stamp to its output, time of its own work, what it lacks, what went wrong.

    Attributes
    ----------
    counts : collections.Counter
        Events by name, shown in the diagnostics.
    facts : dict
        Things worth knowing that do not change often, shown in the diagnostics.
    problems : dict of str to str
        What is wrong now, by topic of concern; shown as a warning until taken out.
    exit_status : int or None
        Set by a node that has done its work: it ends the process.
    """

    def __init__(self, name: str, **node_options: Any) -> None:
        super().__init__(name, **node_options)
        self.counts: Counter[str] = Counter()
        self.facts: dict[str, Any] = {}
        self.problems: dict[str, str] = {}
        self.clock = RosClock(self)
        self.latency, self.work = Durations(), Durations()
        self.exit_status: int | None = None
        self._inputs: list[Subscription] = []
        self._diagnostics = self.create_publisher(DiagnosticArray, '/diagnostics', 10)
        self._steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.every(_PERIOD, self._publish_diagnostics)

    # ---- parameters

    def parameter(
        self,
        name: str,
        default: Any,
        description: str,
        low: float | None = None,
        high: float | None = None,
        choices: tuple[str, ...] = (),
    ) -> Any:
        """Declare a parameter that is set at start, and return its value.

        Raises
        ------
        InputError
            When the value is out of its range or not among the choices.
        """
        descriptor = ParameterDescriptor(
            description=description,
            read_only=True,
            additional_constraints=f'one of {", ".join(choices)}' if choices else '',
        )
        if low is not None and isinstance(default, float):
            descriptor.floating_point_range = [
                FloatingPointRange(from_value=float(low), to_value=float(high))
            ]
        elif low is not None:
            descriptor.integer_range = [IntegerRange(from_value=low, to_value=high, step=1)]
        try:
            value = self.declare_parameter(name, default, descriptor).value
        except (
            rclpy.exceptions.InvalidParameterValueException,
            rclpy.exceptions.InvalidParameterTypeException,
        ) as error:
            raise InputError(f'{self.get_name()}: {error}') from error
        if choices and value not in choices:
            raise InputError(
                f"{self.get_name()}: parameter {name} is '{value}'; "
                f'it must be one of {", ".join(choices)}'
            )
        return value

    # ---- topics

    def listen(
        self, message_type: type, topic: str, callback: Callable, quality: QoSProfile = RESULTS
    ) -> Subscription:
        """Subscribe to an input; an exception in the callback is reported and survived."""
        subscription = self.create_subscription(
            message_type, topic, self.guarded(callback), quality
        )
        self.expect(subscription)
        return subscription

    def expect(self, subscription: Subscription) -> None:
        """Count a subscription among the inputs that the diagnostics report on."""
        self._inputs.append(subscription)

    def output(self, message_type: type, topic: str, quality: QoSProfile = RESULTS) -> Publisher:
        """Create a publisher."""
        return self.create_publisher(message_type, topic, quality)

    def every(self, seconds: float, callback: Callable) -> None:
        """Call back at a period of steady time, whatever the ROS clock does."""
        self.create_timer(seconds, self.guarded(callback), clock=self._steady)

    def guarded(self, callback: Callable) -> Callable:
        """Wrap a callback so that bad input is a warning and a diagnostic, never the end."""

        @functools.wraps(callback)
        def run(*arguments: Any) -> None:
            try:
                callback(*arguments)
            except (KeyboardInterrupt, ExternalShutdownException):
                raise
            except Exception as error:
                self._report(error)

        return run

    # ---- measurements

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

    # ---- diagnostics

    def condition(self) -> str:
        """Say in a word how the node is while nothing is wrong."""
        return 'running'

    def close(self) -> None:
        """Let go of devices and files; called once, at the end."""

    def _report(self, error: Exception) -> None:
        text = ' '.join(str(error).split()) or type(error).__name__
        self.counts['errors'] += 1
        if self.problems.get('input') == text:
            return
        self.problems['input'] = text
        self.get_logger().warning(text)
        if not isinstance(error, InputError):
            self.get_logger().warning(traceback.format_exc())

    def _publish_diagnostics(self) -> None:
        status = DiagnosticStatus(
            level=DiagnosticStatus.WARN if self.problems else DiagnosticStatus.OK,
            name=f'{self.get_fully_qualified_name().lstrip("/")}: stage',
            message='; '.join(self.problems.values()) or self.condition(),
            hardware_id='av_tracker',
            values=[KeyValue(key=key, value=str(value)) for key, value in self._values().items()],
        )
        self.problems.pop('input', None)
        message = DiagnosticArray(status=[status])
        message.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(message)

    def _values(self) -> dict[str, Any]:
        unmatched = [s.topic_name for s in self._inputs if s.get_publisher_count() == 0]
        return {
            'inputs without publisher': ' '.join(unmatched),
            **{f'latency {name} (ms)': v for name, v in self.latency.summary().items()},
            **{f'work {name} (ms)': v for name, v in self.work.summary().items()},
            **self.facts,
            **self.counts,
        }


def elapsed_seconds(since: int) -> float:
    """Seconds of steady time since `since` (ns)."""
    return (time.monotonic_ns() - since) / NANOSECONDS


def run(*factories: Callable[[], StageNode]) -> int:
    """Run nodes in this process until they end or are told to; return the exit status."""
    cv2.setNumThreads(1)
    rclpy.init()
    executor = SingleThreadedExecutor()
    nodes = []
    try:
        for factory in factories:
            nodes.append(factory())
            executor.add_node(nodes[-1])
        while all(node.exit_status is None for node in nodes):
            executor.spin_once(timeout_sec=_LONGEST_WAIT)
        return max(node.exit_status or 0 for node in nodes)
    except InputError as error:
        print(f'av_tracker: {error}', file=sys.stderr)
        return 2
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        for node in nodes:
            node.close()
        with suppress(Exception):
            executor.shutdown()
        rclpy.try_shutdown()
    return 0
