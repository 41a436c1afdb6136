# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Former name of :mod:`av_tracker_nodes.launching.node_set`."""

from av_tracker_nodes.launching.arguments import *  # noqa: F403
from av_tracker_nodes.launching.node_set import *  # noqa: F403
