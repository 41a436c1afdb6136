# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""What all nodes share: a life cycle, parameters, guarded callbacks, diagnostics, a clean end."""

from __future__ import annotations

import faulthandler
import functools
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import cv2
import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock, ClockType
from rclpy.executors import ExternalShutdownException
from rclpy.lifecycle import LifecycleNode, LifecycleState
from rclpy.lifecycle import TransitionCallbackReturn as Transition
from rclpy.parameter import Parameter
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile
from rclpy.subscription import Subscription

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.launching.durations import Durations
from av_tracker_nodes.nodes.clock import RosClock
from av_tracker_nodes.nodes.executors import make_executor, with_info
from av_tracker_nodes.nodes.flow import Flow, Growth
from av_tracker_nodes.nodes.quality_of_service import RESULTS
from av_tracker_nodes.nodes.settings import Setting
from av_tracker_nodes.nodes.supervision import end_with_supervisor
from av_tracker_nodes.types import NANOSECONDS

_PERIOD = 1.0
_LONGEST_WAIT = 0.1
_LONGEST_END = 5.0
"""Seconds that a process may take to end once its nodes are closed."""


class StageNode(LifecycleNode):
    """A managed node around one stage.

    A node declares its parameters in ``__init__`` and does the rest in hooks: :meth:`configure`
    loads models and creates topics, :meth:`activate` opens devices, :meth:`deactivate` closes
    them. What :meth:`configure` has made, on the graph or as attributes, is dropped by the
    clean-up, so that it can be called again. Callbacks of a node that is not active are skipped.
    With ``autostart`` the node configures and activates itself, and bad input ends the process.

    It says once a second on ``/diagnostics`` how it does: messages in and out, latency from the
    capture stamp to its output, time of its own work, what it lacks, what went wrong.

    Attributes
    ----------
    settings : dict of str to Setting
        The parameters, by name.
    counts : collections.Counter
        Events by name, shown in the diagnostics.
    facts : dict
        Things worth knowing that do not change often, shown in the diagnostics.
    problems : dict of str to str
        What is wrong now, by topic of concern; shown as a warning until taken out.
    faults : dict of str to str
        What keeps the node from its work, likewise; shown as an error.
    exit_status : int or None
        Set by a node that has done its work: it ends the process.
    """

    def __init__(self, name: str, **node_options: Any) -> None:
        super().__init__(name, **node_options)
        self.settings: dict[str, Setting] = {}
        self.exit_status: int | None = None
        self.is_configured = self.is_active = self.is_finalized = False
        self._failure: Exception | None = None
        self._is_starting = False
        self._lasting: tuple[set[str], set[object]] | None = None
        self._forget_figures()
        self.add_on_set_parameters_callback(self._judge)
        self.add_post_set_parameters_callback(self._adopt)
        self._declare_common()
        self._diagnostics = self.create_publisher(DiagnosticArray, '/diagnostics', 10)
        self._steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.every(_PERIOD, self._publish_diagnostics, always=True)

    # ---- hooks

    def check(self, values: Mapping[str, Any]) -> None:
        """Refuse values of the parameters that contradict each other.

        Raises
        ------
        InputError
            They do.
        """

    def configure(self) -> None:
        """Load models and create topics, from the parameters as they are now.

        Raises
        ------
        InputError
            When a parameter is wrong: the node stays unconfigured.
        """

    def adapt(self) -> None:
        """Take over live parameters; called after :meth:`configure` and when they change."""

    def activate(self) -> None:
        """Open devices and files, and begin.

        Raises
        ------
        InputError
            When that cannot be done: the node stays inactive.
        """

    def deactivate(self) -> None:
        """Close devices and files, also where :meth:`activate` came only half the way."""

    # ---- life cycle

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

    def start(self) -> None:
        """Configure and activate.

        Raises
        ------
        Exception
            Whatever either of them raised.
        """
        self._is_starting = True
        try:
            for trigger in (self.trigger_configure, self.trigger_activate):
                if trigger() != Transition.SUCCESS:
                    raise self._failure or ExternalShutdownException()
        finally:
            self._is_starting = False

    def close(self) -> None:
        """Let go of devices and files; called once, at the end."""
        if self.is_active:
            try:
                self.deactivate()
            except Exception as error:
                self._report(error)

    def on_configure(self, state: LifecycleState) -> Transition:
        """Configure, or drop what was made half the way."""
        self._lasting = set(vars(self)), {*self.publishers, *self.subscriptions, *self.timers}
        self._forget_figures()
        result = self._attempt(self._configure)
        if result != Transition.SUCCESS:
            self._release()
        return result

    def on_activate(self, state: LifecycleState) -> Transition:
        """Let the publishers publish, and begin."""
        super().on_activate(state)
        self.is_active = True
        result = self._attempt(self.activate)
        if result != Transition.SUCCESS:
            self._stop(state)
        return result

    def on_deactivate(self, state: LifecycleState) -> Transition:
        """Stop, and keep the publishers from publishing."""
        return self._stop(state)

    def on_cleanup(self, state: LifecycleState) -> Transition:
        """Drop what was configured."""
        self._release()
        return Transition.SUCCESS

    def on_shutdown(self, state: LifecycleState) -> Transition:
        """Stop and drop everything; the process ends when all of its nodes have come so far."""
        self.on_error(state)
        self.is_finalized = True
        return Transition.SUCCESS

    def on_error(self, state: LifecycleState) -> Transition:
        """Go back to being unconfigured after a failure that nobody had foreseen."""
        if self.is_active:
            self._stop(state)
        self._release()
        return Transition.SUCCESS

    def _configure(self) -> None:
        self.clock = RosClock(self)
        self.check({name: self.value(name) for name in self.settings})
        self.configure()
        self.adapt()
        self.is_configured = True

    def _stop(self, state: LifecycleState) -> Transition:
        self.problems.clear()
        self.faults.clear()
        errors = self.counts['errors']
        self.guarded(self.deactivate, always=True)()
        self.is_active = False
        super().on_deactivate(state)
        return Transition.SUCCESS if self.counts['errors'] == errors else Transition.ERROR

    def _release(self) -> None:
        """Drop what was made since the node was unconfigured."""
        if self._lasting is None:
            return
        attributes, entities = self._lasting
        for publisher in set(self.publishers) - entities:
            self.destroy_lifecycle_publisher(publisher)
        for subscription in set(self.subscriptions) - entities:
            self.destroy_subscription(subscription)
        for timer in set(self.timers) - entities:
            self.destroy_timer(timer)
        for name in set(vars(self)) - attributes:
            delattr(self, name)
        self._lasting = None
        self.flows.clear()
        self._inputs.clear()
        self.is_configured = False

    def _attempt(self, work: Callable[[], None]) -> Transition:
        """Do the work of a transition; tell how it went, and keep what went wrong."""
        self._failure = None
        try:
            work()
        except Exception as error:
            self._failure = error
            foreseen = isinstance(error, InputError)
            if not self._is_starting:
                self.get_logger().error(_line(error) if foreseen else traceback.format_exc())
            return Transition.FAILURE if foreseen else Transition.ERROR
        return Transition.SUCCESS

    # ---- parameters

    def parameter(self, name: str, default: Any, description: str, *args: Any, **kw: Any) -> None:
        """Declare a parameter; further arguments are those of :class:`Setting`.

        Raises
        ------
        InputError
            When its value at the start is out of its range or not among the choices.
        """
        setting = Setting(name, default, description, *args, **kw)
        try:
            self.declare_parameter(name, default, setting.descriptor())
            setting.check(self.value(name))
        except (
            InputError,
            rclpy.exceptions.InvalidParameterValueException,
            rclpy.exceptions.InvalidParameterTypeException,
        ) as error:
            raise InputError(f'{self.get_name()}: {error}') from error
        self.settings[name] = setting

    def value(self, name: str) -> Any:
        """Value of a parameter."""
        return self.get_parameter(name).value

    def _declare_common(self) -> None:
        self.parameter(
            'autostart',
            True,
            'Configure and activate the node at its start; false leaves that to a manager of '
            'life cycles or `ros2 lifecycle set`',
            read_only=True,
        )
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

    def _judge(self, parameters: list[Parameter]) -> SetParametersResult:
        """Accept changes of parameters all together, or refuse them with a reason."""
        known = all(self.has_parameter(parameter.name) for parameter in parameters)
        try:
            if known:
                self._check_change({p.name: p.value for p in parameters})
        except InputError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _check_change(self, changed: Mapping[str, Any]) -> None:
        for name, value in changed.items():
            setting = self.settings.get(name)
            if setting is not None:
                setting.check(value)
            live = setting is not None and setting.live
            if self.is_configured and not live and value != self.value(name):
                raise InputError(
                    f'{name} changes only while {self.get_name()} is unconfigured: deactivate '
                    'and clean it up first'
                )
        self.check({name: self.value(name) for name in self.settings} | changed)

    def _adopt(self, _: list[Parameter]) -> None:
        if self.is_configured:
            self.guarded(self.adapt, always=True)()

    # ---- topics

    def listen(
        self,
        message_type: type,
        topic: str,
        callback: Callable[[Any], None],
        quality: QoSProfile = RESULTS,
        *,
        always: bool = False,
        needed: bool = False,
        raw: bool = False,
    ) -> Subscription:
        """Subscribe to a stream; an exception in the callback is reported and survived.

        Parameters
        ----------
        message_type : type
        topic : str
        callback : callable
        quality : QoSProfile
        always : bool
            Call back while the node does not work too.
        needed : bool
            The node can do nothing without it: the diagnostics show an error when it stops.
        raw : bool
            Call back with bytes.
        """
        flow = Flow(topic, needed)

        def read(message: Any) -> None:
            _check_stamp(topic, message)
            callback(message)

        run = self.guarded(read, always=always)

        def take(message: Any, info: Mapping[str, Any]) -> None:
            flow.note(
                self.get_clock().now().nanoseconds,
                info.get('publication_sequence_number'),
                info.get('publisher_gid'),
            )
            run(message)

        self.flows.append(flow)
        subscription = self.create_subscription(
            message_type, topic, with_info(take), quality, raw=raw
        )
        self._inputs.append(subscription)
        return subscription

    def learn(
        self,
        message_type: type,
        topic: str,
        callback: Callable[[Any], None],
        quality: QoSProfile = RESULTS,
        *,
        expected: bool = False,
        raw: bool = False,
    ) -> Subscription:
        """Subscribe to what holds until further notice, also while the node does not work.

        Parameters
        ----------
        message_type : type
        topic : str
        callback : callable
        quality : QoSProfile
        expected : bool
            The diagnostics tell when nobody publishes it.
        raw : bool
            Call back with bytes.
        """
        callback = self.guarded(callback, always=True)
        subscription = self.create_subscription(message_type, topic, callback, quality, raw=raw)
        if expected:
            self._inputs.append(subscription)
        return subscription

    def output(self, message_type: type, topic: str, quality: QoSProfile = RESULTS) -> Publisher:
        """Create a publisher, which publishes while the node is active."""
        publisher = self.create_lifecycle_publisher(message_type, topic, quality)
        if self.is_active:
            publisher.on_activate(None)
        return publisher

    def every(self, seconds: float, callback: Callable, *, always: bool = False) -> None:
        """Call back at a period of steady time, whatever the ROS clock does."""
        self.create_timer(seconds, self.guarded(callback, always=always), clock=self._steady)

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
            self._latest.add(now - stamp)

    # ---- diagnostics

    def note(self, concern: str, problem: str | None, *, is_fault: bool = False) -> None:
        """Show a problem, or a fault, in the diagnostics until it is None; log it once."""
        shown = self.faults if is_fault else self.problems
        if not problem:
            if shown.pop(concern, None):
                self.get_logger().info(f'{concern}: all is well again')
        elif shown.get(concern) != problem:
            shown[concern] = problem
            self.get_logger().warning(problem)

    def condition(self) -> str:
        """Say in a word how the node is while nothing is wrong."""
        return 'running' if self.is_active else self.state

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
        text = _line(error)
        self.counts['errors'] += 1
        if self.problems.get('input') == text:
            return
        self.problems['input'] = text
        self.get_logger().warning(text)
        if not isinstance(error, InputError):
            self.get_logger().warning(traceback.format_exc())

    def _publish_diagnostics(self) -> None:
        self._out_lately.mark(self.counts['out'])
        for flow in self.flows:
            flow.mark()
        faults, problems = self._complaints()
        level = DiagnosticStatus.WARN if problems else DiagnosticStatus.OK
        status = DiagnosticStatus(
            level=DiagnosticStatus.ERROR if faults else level,
            name=f'{self.get_fully_qualified_name().lstrip("/")}: stage',
            message='; '.join([*faults, *problems]) or self.condition(),
            hardware_id=str(self.facts.get('device', 'av_tracker')),
            values=[KeyValue(key=key, value=str(value)) for key, value in self._values().items()],
        )
        self.problems.pop('input', None)
        self._latest = Durations()
        message = DiagnosticArray(status=[status])
        message.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(message)

    def _complaints(self) -> tuple[list[str], list[str]]:
        """Return what keeps the node from its work now, and what else is wrong."""
        failed = [_line(self._failure)] if self._failure else []
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
        unmatched = [s.topic_name for s in self._inputs if s.get_publisher_count() == 0]
        return {
            'state': self.state,
            'inputs without publisher': ' '.join(unmatched),
            **{f'{flow.topic} (Hz)': round(flow.rate, 1) for flow in self.flows},
            **{f'{flow.topic} lost': flow.lost for flow in self.flows if flow.lost},
            'out (Hz)': round(self._out_lately.rate, 1),
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
    end_with_supervisor()
    cv2.setNumThreads(1)
    # rclpy ends its context at Ctrl-C: the callback at work is finished, not interrupted, and a
    # second Ctrl-C, which ros2 launch sends, does not end the process amid its end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    rclpy.init()
    executor = make_executor()
    nodes = []
    try:
        for factory in factories:
            nodes.append(factory())
            executor.add_node(nodes[-1])
        for node in nodes:
            if node.value('autostart'):
                node.start()
        while rclpy.ok() and not _is_over(nodes):
            executor.spin_once(timeout_sec=_LONGEST_WAIT)
        return max(node.exit_status or 0 for node in nodes)
    except InputError as error:
        print(f'av_tracker: {error}', file=sys.stderr)
        return 2
    except ExternalShutdownException:
        pass
    except Exception:
        # Told to end, ROS fails wherever it is.
        if rclpy.ok():
            raise
    finally:
        for node in nodes:
            node.close()
        # Nothing of ours is open any more; a middleware that hangs must not hold the end up.
        faulthandler.dump_traceback_later(_LONGEST_END, exit=True)
        with suppress(Exception):
            executor.shutdown()
        rclpy.try_shutdown()
    return 0


def _is_over(nodes: list[StageNode]) -> bool:
    """Whether a node has done its work, or all have been shut down."""
    done = any(node.exit_status is not None for node in nodes)
    return done or all(node.is_finalized for node in nodes)


def _check_stamp(topic: str, message: object) -> None:
    """Refuse a message from before 1970, which rclpy and tf2 cannot take."""
    header = getattr(message, 'header', None)
    if header is not None and header.stamp.sec < 0:
        raise InputError(f'{topic}: the stamp {header.stamp.sec} s is negative')


def _line(error: Exception) -> str:
    return ' '.join(str(error).split()) or type(error).__name__
