# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Former name of :mod:`av_tracker_nodes.launching.processes`."""

from av_tracker_nodes.launching.processes import *  # noqa: F403
