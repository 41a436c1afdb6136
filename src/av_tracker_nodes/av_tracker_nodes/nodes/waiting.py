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

"""Parameters of the nodes that wait for what belongs together."""

from __future__ import annotations

from av_tracker_nodes.nodes.node_base import StageNode
from av_tracker_nodes.synchronisation import LONGEST_LATENESS, MAX_LATENESS

WAITING = ('faces_timeout', 'patience', 'max_lateness')
"""What :func:`declare_waiting` declares; all of them are live."""

LONGEST_OFFSET = 1e10
"""Clocks may be apart by this (s), as seconds since the start are from those since 1970."""


def declare_waiting(node: StageNode) -> None:
    """Declare how long is waited."""
    node.parameter(
        'faces_timeout',
        0.08,
        'Wait this long for the faces of an image (s)',
        0.0,
        10.0,
        live=True,
    )
    node.parameter(
        'patience',
        0.0,
        'Added to all waiting (s): a replay waits longer, so that nothing is lost',
        0.0,
        10.0,
        live=True,
    )
    node.parameter(
        'max_lateness',
        MAX_LATENESS,
        'Streams are waited for as long as they are late by their stamps, up to this (s)',
        0.0,
        LONGEST_LATENESS,
        live=True,
    )


def declare_audio_offset(node: StageNode) -> None:
    """Declare what is added to the stamps of sound."""
    node.parameter(
        'audio_offset',
        0.0,
        'Added to the stamps of sound (s), as av-tracker check sync tells it',
        -LONGEST_OFFSET,
        LONGEST_OFFSET,
        live=True,
    )
