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

"""Topics that come and go with people, and subscriptions that last as long as they are wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile
from rclpy.subscription import Subscription

from av_tracker_nodes.nodes.node_base import StageNode


class PublishersPerId:
    """The same publishers for everyone who is there.

    Parameters
    ----------
    node : StageNode
    prefix : str
        Of the topics; ``{}`` stands for the id.
    topics : mapping of str to tuple
        Message type and quality of service of each topic below the prefix.
    """

    def __init__(
        self, node: StageNode, prefix: str, topics: Mapping[str, tuple[type, QoSProfile]]
    ) -> None:
        self._node, self._prefix, self._topics = node, prefix, topics
        self._publishers: dict[str, dict[str, Publisher]] = {}

    def keep(self, ids: Iterable[str]) -> None:
        """Create the publishers of newcomers, and destroy those of who has gone."""
        wanted = list(ids)
        for gone in self._publishers.keys() - set(wanted):
            for publisher in self._publishers.pop(gone).values():
                self._node.destroy_lifecycle_publisher(publisher)
        for name in wanted:
            if name not in self._publishers:
                self._publishers[name] = {
                    topic: self._node.advertise(
                        kind, f'{self._prefix.format(name)}/{topic}', quality
                    )
                    for topic, (kind, quality) in self._topics.items()
                }

    def publish(self, name: str, topic: str, message: object) -> None:
        """Publish on a topic of somebody who is there."""
        self._publishers[name][topic].publish(message)

    def is_heard(self, name: str, topic: str) -> bool:
        """Tell whether anybody listens to a topic of somebody who is there."""
        return self._publishers[name][topic].get_subscription_count() > 0

    def heard(self, topic: str) -> list[str]:
        """Ids of whom somebody listens to a topic."""
        return [name for name in self._publishers if self.is_heard(name, topic)]


class SubscriptionOnDemand:
    """A subscription that exists only while it is wanted.

    Parameters
    ----------
    node : StageNode
    message_type : type
    topic : str
    callback : callable
    quality : QoSProfile
    """

    def __init__(
        self,
        node: StageNode,
        message_type: type,
        topic: str,
        callback: Callable[[object], None],
        quality: QoSProfile,
    ) -> None:
        self._node = node
        self._arguments = message_type, topic, node.guarded(callback), quality
        self._subscription: Subscription | None = None

    def want(self, wanted: bool) -> None:
        """Subscribe or unsubscribe."""
        if wanted and self._subscription is None:
            self._subscription = self._node.create_subscription(*self._arguments)
        elif not wanted and self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._subscription = None
