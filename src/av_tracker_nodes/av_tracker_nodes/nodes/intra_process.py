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

"""Messages between nodes of one process, handed over as they are.

What rclcpp does for composed nodes and rclpy lacks: nothing is serialised nor copied between
publishers and subscriptions that share memory. Both are on the graph all the same, so that nodes
of other processes are heard and served, and tools show who is connected to whom.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, TypeVar

from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy, QoSCompatibility, QoSProfile, qos_check_compatible
from rclpy.serialization import deserialize_message
from rclpy.subscription import Subscription

Made = TypeVar('Made')
_KEPT = 4

Callback = Callable[[Any, Mapping[str, Any]], None]
"""Takes a message and what is known of it, by the names of the middleware."""


class IntraProcess:
    """The topics that nodes of one process share.

    Subscriptions that want the past of a topic (transient local) get it from the middleware, as
    before; so do those whose quality of service does not fit that of the publisher.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._readers: dict[str, tuple[_Reader, ...]] = {}
        self._publishers: set[bytes] = set()
        self._made: deque[tuple[Any, Any]] = deque(maxlen=_KEPT)
        self._making = Lock()

    def advertise(
        self, node: Node, message_type: type, topic: str, quality: QoSProfile
    ) -> IntraProcessPublisher:
        """Create a publisher of a managed node, with the arguments of rclpy."""
        own = node.get_fully_qualified_name()
        publisher = node.create_lifecycle_publisher(message_type, topic, quality)
        for info in node.get_publishers_info_by_topic(publisher.topic_name):
            if f'{info.node_namespace.rstrip("/")}/{info.node_name}' == own:
                self._publishers.add(bytes(info.endpoint_gid))
        return IntraProcessPublisher(publisher, message_type, quality, self)

    def subscribe(
        self,
        node: Node,
        message_type: type,
        topic: str,
        callback: Callback,
        quality: QoSProfile,
        create: Callable[..., Subscription],
    ) -> Subscription:
        """Create a subscription.

        Parameters
        ----------
        node : Node
            Its executor calls back.
        message_type : type
        topic : str
        callback : callable
        quality : QoSProfile
        create : callable
            Creates one of the middleware: takes type, topic, callback, quality and `raw`.
        """

        def take(message: bytes, info: Mapping[str, Any]) -> None:
            if info['publisher_gid']['data'] not in self._publishers:
                callback(deserialize_message(message, message_type), info)

        if quality.durability == DurabilityPolicy.TRANSIENT_LOCAL:
            return create(message_type, topic, callback, quality)
        # What was handed over already is not even deserialised.
        subscription = create(message_type, topic, take, quality, raw=True)
        reader = _Reader(node, subscription, callback, quality)
        with self._lock:
            name = subscription.topic_name
            self._readers[name] = (*self.readers(name), reader)
        return subscription

    def forget(self, subscription: Subscription) -> None:
        """Hand nothing more over to a subscription."""
        with self._lock:
            name = subscription.topic_name
            self._readers[name] = tuple(
                reader for reader in self.readers(name) if reader.subscription is not subscription
            )

    def once(self, message: Any, make: Callable[[], Made]) -> Made:
        """Return what is made of a message: once, whoever asks, while it is one of the latest."""
        with self._making:
            for known, made in self._made:
                if known is message:
                    return made
            made = make()
            self._made.append((message, made))
            return made

    def readers(self, topic: str) -> tuple[_Reader, ...]:
        """Return who reads a topic, by its full name; another tuple when that has changed."""
        return self._readers.get(topic, ())


class IntraProcessPublisher:
    """Publishes to subscriptions of this process, and by the middleware to all others.

    Messages belong to all who read them: nobody may change one that was published.

    Parameters
    ----------
    publisher : Publisher
        Of a managed node.
    message_type : type
    quality : QoSProfile
    process : IntraProcess
    """

    def __init__(
        self,
        publisher: Publisher,
        message_type: type,
        quality: QoSProfile,
        process: IntraProcess,
    ) -> None:
        self._publisher = publisher
        self._type, self._quality, self._process = message_type, quality, process
        self._keeps_past = quality.durability == DurabilityPolicy.TRANSIENT_LOCAL
        self._known: tuple[_Reader, ...] = ()
        self._served: tuple[_Reader, ...] = ()
        self._count = 0

    @property
    def topic_name(self) -> str:
        """Full name of the topic."""
        return self._publisher.topic_name

    def get_subscription_count(self) -> int:
        """Count the subscriptions, those of this process included."""
        return self._publisher.get_subscription_count()

    def on_activate(self, state: object) -> None:
        """Publish from now on."""
        self._publisher.on_activate(state)

    def publish(self, message: Any) -> None:
        """Publish a message, or one that is serialised."""
        served = self._readers() if self._publisher.is_activated else ()
        if served:
            is_raw = isinstance(message, bytes)
            read = deserialize_message(message, self._type) if is_raw else message
            self._count += 1
            info = {'publisher_gid': id(self), 'publication_sequence_number': self._count}
            for reader in served:
                reader.take(read, info)
        if self._keeps_past or self._publisher.get_subscription_count() > len(served):
            self._publisher.publish(message)

    def _readers(self) -> tuple[_Reader, ...]:
        readers = self._process.readers(self.topic_name)
        if readers is not self._known:
            self._known = readers
            self._served = tuple(r for r in readers if _fits(self._quality, r.quality))
        return self._served


class _Reader:
    """A subscription: messages that its node has no time for queue up as its quality says."""

    def __init__(
        self, node: Node, subscription: Subscription, callback: Callback, quality: QoSProfile
    ) -> None:
        self.subscription, self.quality = subscription, quality
        self._node, self._callback = node, callback
        self._queue: deque[tuple[Any, Mapping[str, Any]]] = deque(maxlen=quality.depth)

    def take(self, message: Any, info: Mapping[str, Any]) -> None:
        if (executor := self._node.executor) is not None:
            self._queue.append((message, info))
            executor.create_task(self._read)

    def _read(self) -> None:
        # Of messages that a newer one has pushed out only the task is left.
        if self._queue:
            self._callback(*self._queue.popleft())


def _fits(offered: QoSProfile, asked: QoSProfile) -> bool:
    return qos_check_compatible(offered, asked)[0] != QoSCompatibility.ERROR
