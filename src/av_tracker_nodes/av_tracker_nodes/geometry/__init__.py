# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Frames, cameras, microphone arrays, and heads."""

from av_tracker_nodes.geometry.camera import Camera
from av_tracker_nodes.geometry.microphones import MicrophoneArray
from av_tracker_nodes.geometry.rig import Box, Rig, Room
from av_tracker_nodes.geometry.transforms import RigidTransform

__all__ = ['Box', 'Camera', 'MicrophoneArray', 'Rig', 'RigidTransform', 'Room']
