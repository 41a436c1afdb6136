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

"""What calls the callbacks of nodes: the fastest executor that this rclpy has."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from rclpy.context import Context
from rclpy.executors import Executor, SingleThreadedExecutor


def make_executor(context: Context | None = None) -> Executor:
    """Make an executor of one thread, of the default context where none is given.

    That of events, which rclpy has had since Kilted, does not go through everything that a node
    owns before each callback: with the tens of services and topics of a managed node that takes
    about a millisecond, as long as many of the callbacks.
    """
    try:
        from rclpy.experimental import EventsExecutor
    except ImportError:
        return SingleThreadedExecutor(context=context)
    return EventsExecutor(context=context)


def with_info(callback: Callable[[Any, Mapping[str, Any]], None]) -> Callable[..., None]:
    """Have a callback called with the message and what the middleware knows of it.

    The first versions of the executor of events pass both as one tuple.
    """

    def take(*received: Any) -> None:
        callback(*(received[0] if len(received) == 1 else received))

    # By the signature rclpy finds out what a callback wants.
    take.__signature__ = inspect.signature(callback)
    return take
