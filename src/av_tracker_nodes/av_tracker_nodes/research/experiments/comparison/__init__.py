# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Fusion models side by side: the same scenes, the same tracker, the same scores."""
