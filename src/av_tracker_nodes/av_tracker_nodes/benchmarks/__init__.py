# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Measurements of speed, each a table and a JSON file."""

from av_tracker_nodes.benchmarks.acoustic_map import bench_acoustic_map
from av_tracker_nodes.benchmarks.latency import bench_latency
from av_tracker_nodes.benchmarks.pipeline import bench_pipeline

BENCHMARKS = {
    'acoustic_map': bench_acoustic_map,
    'pipeline': bench_pipeline,
    'latency': bench_latency,
}
"""By the name of the table and of the JSON file; each takes a folder and a progress bar."""
