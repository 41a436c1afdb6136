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

"""Faces that a lens can place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from av_tracker_nodes.geometry import Camera
from av_tracker_nodes.geometry.face import mouth_from_face
from av_tracker_nodes.types import FaceFrame


def in_reach(faces: FaceFrame, camera: Camera) -> FaceFrame:
    """Drop faces that lie partly beyond the field of the lens: they have no direction."""
    if not faces.faces:
        return faces
    boxes = np.array([face.box for face in faces.faces])
    mouths = np.array([mouth_from_face(face.box, face.landmarks) for face in faces.faces])
    pixels = np.stack([mouths, boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
    is_seen = np.isfinite(camera.rays(pixels)).all(axis=(1, 2))
    kept = tuple(face for face, seen in zip(faces.faces, is_seen, strict=True) if seen)
    return replace(faces, faces=kept)
