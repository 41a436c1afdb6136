# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Association of detections with tracks under dual geometric constraints."""

from av_tracker_nodes.association.config import TrackerConfig
from av_tracker_nodes.association.tracker import SpeakerTracker

__all__ = ['SpeakerTracker', 'TrackerConfig']
