# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Measurements of speed, each a table and a JSON file."""

from av_tracker_nodes.research.speed.acoustic_map import bench_acoustic_map
from av_tracker_nodes.research.speed.latency import bench_latency
from av_tracker_nodes.research.speed.pipeline import bench_pipeline
from av_tracker_nodes.research.speed.soak import bench_soak

BENCHMARKS = {
    'acoustic_map': bench_acoustic_map,
    'pipeline': bench_pipeline,
    'latency': bench_latency,
    'soak': bench_soak,
}
"""By the name of the table and of the JSON file; each takes a folder and a progress bar."""

LONG = {'soak'}
"""Those that are measured only when they are asked for."""

STREAMED = {'latency', 'soak'}
"""Those that take the seconds of their streams."""
