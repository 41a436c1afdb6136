# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""The stages chained without ROS: the same recording gives the same tracks as the live graph."""

from av_tracker_nodes.pipeline.chain import Following, Pipeline, Sensed, Sensing, StageTimes
from av_tracker_nodes.pipeline.runs import Viewer, track_bag, watch_bag

__all__ = [
    'Following',
    'Pipeline',
    'Sensed',
    'Sensing',
    'StageTimes',
    'Viewer',
    'track_bag',
    'watch_bag',
]
