# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Former names of modules that are in :mod:`av_tracker_nodes.recordings` now."""
