# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Recordings: readers of corpora, and rosbag2 bags in and out."""
