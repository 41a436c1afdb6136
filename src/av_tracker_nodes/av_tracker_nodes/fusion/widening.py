# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""What a rig that is known only roughly makes uncertain of where people are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from av_tracker_nodes.geometry import MicrophoneArray, Rig
from av_tracker_nodes.geometry.uncertainty import RigUncertainty
from av_tracker_nodes.types import Detection, DetectionFrame, Modality


def widened(frame: DetectionFrame, rig: Rig) -> DetectionFrame:
    """Add the uncertainty of the rig to the covariances of detections."""
    if rig.uncertainty == RigUncertainty():
        return frame
    detections = tuple(_widened(detection, rig) for detection in frame.detections)
    return replace(frame, detections=detections)


def _widened(detection: Detection, rig: Rig) -> Detection:
    """Widen a detection about the line of sight, or about the line that it is heard along."""
    doubt = rig.uncertainty
    if detection.modalities & Modality.VISUAL:
        line = detection.position - rig.camera.centre
        # A range that was read off the size of a face is proportional to the focal length.
        along = doubt.focal_std if detection.size_gain > 0 else 0.0
        covariance = doubt.widen(detection.covariance, line, along)
    else:
        line = detection.position - rig.target_from_array @ rig.microphones.centre
        angle = np.hypot(doubt.angle_std, _bearing_std(rig.microphones, doubt.microphone_std))
        covariance = replace(doubt, angle_std=float(angle)).widen(detection.covariance, line)
    return replace(detection, covariance=covariance)


def _bearing_std(microphones: MicrophoneArray, position_std: float) -> float:
    """Deviation of a direction (rad) that is found by microphones which are not where they should.

    Least squares of the delays of a plane wave at n microphones of a circle of radius r, each
    off by s along the wave: ``s / (r sqrt(n / 2))``.
    """
    radius = np.sqrt(((microphones.positions - microphones.centre) ** 2).sum(axis=1).mean())
    if radius == 0.0:
        return 0.0
    return float(position_std / (radius * np.sqrt(len(microphones.positions) / 2)))
