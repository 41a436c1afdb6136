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

"""The time that other times are compared by."""

from tiny_recording import write_bag

from av_tracker_nodes.research.speed.pipeline import detector_reference


def test_the_reference_is_the_time_of_one_look(tmp_path):
    recording = write_bag(tmp_path / 'bag', image_seconds=0.2)
    assert 0.1 < detector_reference(recording.path) < 10_000
