# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Joining of streams: ``message_filters`` where it is installed, else our fallback."""

from __future__ import annotations

try:
    from message_filters import Cache, SimpleFilter, TimeSynchronizer
except ImportError:
    from av_tracker_nodes.nodes.message_filters_fallback import (
        Cache,
        SimpleFilter,
        TimeSynchronizer,
    )

__all__ = ['Cache', 'SimpleFilter', 'TimeSynchronizer']
