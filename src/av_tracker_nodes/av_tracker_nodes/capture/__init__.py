# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Sound cards and cameras of this machine, without ROS."""
