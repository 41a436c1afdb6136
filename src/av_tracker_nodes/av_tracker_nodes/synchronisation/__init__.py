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

"""Matching in time: buffers by stamp, waiting for late streams, clocks that differ.

Nothing here reads a clock. Time passes only with the stamps of the input, so a recording gives
the same cycles however fast it is replayed, live or offline.
"""

from av_tracker_nodes.synchronisation.buffer import StampedBuffer
from av_tracker_nodes.synchronisation.clock_check import ClockCheck
from av_tracker_nodes.synchronisation.clocks import SharedClock, shift_sound
from av_tracker_nodes.synchronisation.cycle_trigger import Cycle, CycleTrigger
from av_tracker_nodes.synchronisation.fusion_join import FusionJoin, Joined
from av_tracker_nodes.synchronisation.lateness import (
    LONGEST_LATENESS,
    LONGEST_WAIT,
    MAX_LATENESS,
    Lateness,
)
from av_tracker_nodes.synchronisation.rate_limit import MAX_RATE, RateLimit
from av_tracker_nodes.synchronisation.rounds import Arrival, Rounds

__all__ = [
    'LONGEST_LATENESS',
    'LONGEST_WAIT',
    'MAX_LATENESS',
    'MAX_RATE',
    'Arrival',
    'ClockCheck',
    'Cycle',
    'CycleTrigger',
    'FusionJoin',
    'Joined',
    'Lateness',
    'RateLimit',
    'Rounds',
    'SharedClock',
    'StampedBuffer',
    'shift_sound',
]
