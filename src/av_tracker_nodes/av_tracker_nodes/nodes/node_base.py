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

"""Nodes around one stage: their life cycle, and the topics that come and go with it."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from operator import itemgetter
from typing import Any

from rclpy.executors import ExternalShutdownException
from rclpy.lifecycle import LifecycleState
from rclpy.lifecycle import TransitionCallbackReturn as Transition
from rclpy.parameter import Parameter
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile
from rclpy.subscription import Subscription

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.nodes.bonds import ManagerBond
from av_tracker_nodes.nodes.clock import RosClock, elapsed_seconds
from av_tracker_nodes.nodes.diagnostics import DiagnosticNode, one_line
from av_tracker_nodes.nodes.executors import with_info
from av_tracker_nodes.nodes.flow import Flow
from av_tracker_nodes.nodes.handover import Handover
from av_tracker_nodes.nodes.intra_process import IntraProcess, IntraProcessPublisher
from av_tracker_nodes.nodes.quality_of_service import RESULTS, with_past
from av_tracker_nodes.recordings.messages import stamp_of

_GLANCE = 0.05
_LONGEST_HOLD, _QUIET = 4.0, 0.15
_ROOM = 2


class StageNode(DiagnosticNode):
    """A managed node around one stage.

    A node declares its parameters in ``__init__`` and does the rest in hooks: :meth:`configure`
    loads models and creates topics, :meth:`activate` opens devices, :meth:`deactivate` closes
    them. What :meth:`configure` has made, on the graph or as attributes, is dropped by the
    clean-up, so that it can be called again. Callbacks of a node that is not active are skipped.
    With ``autostart`` the node configures and activates itself, and bad input ends the process;
    without it a manager of life cycles may form a bond with it while it is active.

    Attributes
    ----------
    exit_status : int or None
        Set by a node that has done its work: it ends the process.
    neighbours : IntraProcess or None
        What it shares with other nodes of its process, where there are some.
    has_own_thread : bool
        Of a class: beside others in a process it has a thread of its own. That pays where most
        of the work is done outside the interpreter, which all threads share.
    """

    has_own_thread = False

    def __init__(self, name: str, **node_options: Any) -> None:
        super().__init__(name, **node_options)
        self.exit_status: int | None = None
        self.neighbours: IntraProcess | None = None
        self._is_starting = False
        self._has_warned = False
        self._lasting: tuple[set[str], set[object]] | None = None
        self._bond = ManagerBond(self)
        self._awaits: Callable[[], bool] | None = None
        self._held: list[tuple[int, Callable[[], None]]] = []
        self._held_since = self._came_at = 0
        self._starts_late = False
        self.add_post_set_parameters_callback(self._adopt)
        self.parameter(
            'autostart',
            True,
            'Configure and activate the node at its start; false leaves that to a manager of '
            'life cycles or `ros2 lifecycle set`',
            read_only=True,
        )
        self.parameter(
            'catch_up',
            False,
            'Nodes that start late get the last seconds of every stream, for replays in which '
            'nodes may die; set it alike in all nodes',
        )

    # ---- hooks

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
        self._bond.end()
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
        elif not self.value('autostart'):
            self._bond.offer()
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
        if not self._has_warned:
            self._has_warned = True
            self.warn_of_unknown()
        self.clock = RosClock(self)
        self.check({name: self.value(name) for name in self.settings})
        self.configure()
        self.adapt()
        self.is_configured = True

    def _stop(self, state: LifecycleState) -> Transition:
        self._bond.end()
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
            if self.neighbours is not None:
                self.neighbours.forget(subscription)
            self.destroy_subscription(subscription)
        for timer in set(self.timers) - entities:
            self.destroy_timer(timer)
        for name in set(vars(self)) - attributes:
            delattr(self, name)
        self._lasting = None
        self.flows.clear()
        self._inputs.clear()
        self._held.clear()
        self._awaits, self._starts_late = None, False
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
                self.get_logger().error(one_line(error) if foreseen else traceback.format_exc())
            return Transition.FAILURE if foreseen else Transition.ERROR
        return Transition.SUCCESS

    def _adopt(self, _: list[Parameter]) -> None:
        if self.is_configured:
            self.guarded(self.adapt, always=True)()

    # ---- topics

    def subscribe(
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
        flow, since = Flow(topic, needed), time.time_ns()
        handover = Handover() if self.value('catch_up') and not raw else None

        def read(message: Any) -> None:
            _check_stamp(topic, message)
            callback(message)

        run = self.guarded(read, always=always)

        def take(message: Any, info: Mapping[str, Any]) -> None:
            publisher = info.get('publisher_gid')
            number = info.get('publication_sequence_number')
            self._starts_late |= info.get('source_timestamp', since) < since
            flow.note(self.get_clock().now().nanoseconds, number, publisher)
            if handover is None:
                run(message)
            elif not handover.is_known(publisher, stamp := stamp_of(message.header)):
                if always:
                    run(message)
                else:
                    self.in_time(stamp, partial(run, message))

        self.flows.append(flow)
        quality = self._quality_for(topic, quality, _ROOM)
        if self.neighbours is None or raw:
            subscription = self._listen(message_type, topic, take, quality, raw=raw)
        else:
            subscription = self.neighbours.subscribe(
                self, message_type, topic, take, quality, self._listen
            )
        self._inputs.append(subscription)
        return subscription

    def hold_until(self, is_ready: Callable[[], bool]) -> None:
        """Let a node that starts late take everything in by order of stamps, once it is ready.

        In a replay it gets the last seconds of all streams at once, one stream after the other,
        and what describes the sensors may come after them. What comes is kept until every stream
        that is needed has begun and nothing more comes, for four seconds at most. To be called
        while the node is configured.
        """
        if self.value('catch_up'):
            self._awaits = is_ready
            self.add_timer(_GLANCE, self._release_held)

    def in_time(self, stamp: int, work: Callable[[], None]) -> None:
        """Do the work for a message of a stamp (ns), or keep it: it is done by order of stamps."""
        if self._must_hold():
            self._held.append((stamp, work))
        else:
            work()

    def _must_hold(self) -> bool:
        if self._awaits is None:
            return False
        if not self._held and not self._starts_late and self._awaits():
            # It was ready before anything came, as at the beginning of a replay.
            self._awaits = None
            return False
        self._came_at = time.monotonic_ns()
        if not self._held:
            self._held_since = self._came_at
        return True

    def _release_held(self) -> None:
        if not self._held or self._awaits is None:
            return
        is_late = elapsed_seconds(self._held_since) > _LONGEST_HOLD
        is_quiet = elapsed_seconds(self._came_at) > _QUIET
        have_all_begun = all(flow.has_begun for flow in self.flows if flow.is_needed)
        if is_late or (is_quiet and have_all_begun and self._awaits()):
            self._awaits = None
            held, self._held = self._held, []
            for _, work in sorted(held, key=itemgetter(0)):
                work()

    def subscribe_always(
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

    def advertise(
        self, message_type: type, topic: str, quality: QoSProfile = RESULTS
    ) -> Publisher | IntraProcessPublisher:
        """Create a publisher, which publishes while the node is active."""
        quality = self._quality_for(topic, quality)
        if self.neighbours is None:
            publisher = self.create_lifecycle_publisher(message_type, topic, quality)
        else:
            publisher = self.neighbours.advertise(self, message_type, topic, quality)
        if self.is_active:
            publisher.on_activate(None)
        return publisher

    def _listen(
        self,
        message_type: type,
        topic: str,
        callback: Callable[[Any, Mapping[str, Any]], None],
        quality: QoSProfile,
        raw: bool = False,
    ) -> Subscription:
        return self.create_subscription(message_type, topic, with_info(callback), quality, raw=raw)

    def _quality_for(self, topic: str, quality: QoSProfile, times: int = 1) -> QoSProfile:
        """Return the quality of a topic; topics of everybody, as /tf, stay as everybody's are."""
        is_ours = not topic.startswith('/')
        return with_past(quality, times) if is_ours and self.value('catch_up') else quality


def _check_stamp(topic: str, message: object) -> None:
    """Refuse a message from before 1970, which rclpy and tf2 cannot take."""
    header = getattr(message, 'header', None)
    if header is not None and header.stamp.sec < 0:
        raise InputError(f'{topic}: the stamp {header.stamp.sec} s is negative')
