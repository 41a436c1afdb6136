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

"""Measurements of speed, each a table and a JSON file."""

from av_tracker_nodes.research.speed.acoustic_map import bench_acoustic_map
from av_tracker_nodes.research.speed.latency import bench_latency
from av_tracker_nodes.research.speed.pipeline import bench_pipeline
from av_tracker_nodes.research.speed.scaling import bench_scaling
from av_tracker_nodes.research.speed.soak import bench_soak

BENCHMARKS = {
    'acoustic_map': bench_acoustic_map,
    'pipeline': bench_pipeline,
    'latency': bench_latency,
    'scaling': bench_scaling,
    'soak': bench_soak,
}
"""By the name of the table and of the JSON file; each takes a folder and a progress bar."""

LONG = {'scaling', 'soak'}
"""Those that are measured only when they are asked for."""

STREAMED = {'latency', 'soak'}
"""Those that take the seconds of their streams."""
