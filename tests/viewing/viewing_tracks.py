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

"""Tracks to draw."""

import builders

from av_tracker_nodes.types import Modality


def make_track(number, x=0.0, **changes):
    given = {'speaking': 0.9, 'box': (100, 80, 30, 40), 'modalities': Modality.BOTH} | changes
    return builders.make_track(number, (x, 0, 1), True, **given)
