# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Faces in images: detection, short-term identity, crops, appearance."""

from av_tracker_nodes.vision.stage import FaceStage

__all__ = ['FaceStage']
