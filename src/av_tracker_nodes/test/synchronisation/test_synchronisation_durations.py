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

import numpy as np
import pytest

from av_tracker_nodes.synchronisation.durations import Durations


def test_percentiles_in_milliseconds():
    durations = Durations()
    assert durations.summary() == {}
    for milliseconds in range(101):
        durations.add(milliseconds * 1_000_000)
    assert durations.summary() == {'median': 50.0, 'p95': 95.0, 'p99': 99.0}


def test_only_the_newest_count():
    durations = Durations()
    for milliseconds in np.repeat([80, 3], [20_000, 15_000]).tolist():
        durations.add(milliseconds * 1_000_000)
    assert durations.summary() == pytest.approx({'median': 3, 'p95': 3, 'p99': 3})
