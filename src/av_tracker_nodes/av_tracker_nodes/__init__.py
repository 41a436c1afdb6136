# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Audio-visual tracking of several speakers in 3-D.

Only the subpackage :mod:`av_tracker_nodes.nodes` knows ROS; everything else is plain Python on
arrays. Stamps are integer nanoseconds, lengths metres, pixels 0-based, samples floats in [-1, 1].
"""

__version__ = '0.1.0'
