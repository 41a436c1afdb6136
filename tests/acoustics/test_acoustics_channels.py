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
from hypothesis import given
from hypothesis import strategies as st

from av_tracker_nodes.acoustics.channels import dead_channels


@given(dead=st.sets(st.integers(0, 15), max_size=8), seed=st.integers(0, 99))
def test_up_to_half_of_the_channels_may_be_dead(dead, seed):
    power = 10 ** np.random.default_rng(seed).uniform(-8, -7, 16)
    power[list(dead)] = 0
    assert set(np.flatnonzero(dead_channels(power))) == dead


def test_quiet_channels_are_kept_and_hum_of_the_circuit_is_not():
    power = np.full(16, 1e-6)
    power[3] *= 1e-2
    power[7] *= 1e-5
    assert np.flatnonzero(dead_channels(power)).tolist() == [7]


def test_silence_everywhere_accuses_nobody():
    assert not dead_channels(np.zeros(8)).any()
