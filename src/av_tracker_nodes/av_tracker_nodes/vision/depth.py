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

"""Range of faces from a depth image that is registered to the picture."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import Camera
from av_tracker_nodes.geometry.face import mouth_from_face
from av_tracker_nodes.types import Face, FaceFrame

_MIDDLE = 0.5
"""Share of width and height of a face box, about its centre, that is looked at: the background
shows in the corners."""
_LEAST_VALID = 0.3
"""A face has no range where less of its middle was measured."""


def with_ranges(faces: FaceFrame, depth: np.ndarray, camera: Camera) -> FaceFrame:
    """Give faces the ranges that a depth image tells.

    Parameters
    ----------
    faces : FaceFrame
    depth : np.ndarray, shape (height, width), float32
        Metres along the optical axis, pixel by pixel as in the picture, which may be larger or
        smaller; 0, NaN or infinite where nothing was measured (REP 118).
    camera : Camera
        That of the picture.

    Returns
    -------
    FaceFrame
        Faces that were not measured keep what they had.

    Raises
    ------
    InputError
        The depth image has another shape than the picture.
    """
    width, height = faces.image_size
    if depth.ndim != 2 or depth.shape[0] * width != depth.shape[1] * height:
        raise InputError(
            f'depth image of shape {depth.shape} is not registered to pictures of '
            f'{width} x {height}: it needs the same ratio of width to height'
        )
    scale = depth.shape[1] / width
    return replace(
        faces, faces=tuple(_measured(face, depth, scale, camera) for face in faces.faces)
    )


def _measured(face: Face, depth: np.ndarray, scale: float, camera: Camera) -> Face:
    left, top, width, height = face.box
    margin = (1 - _MIDDLE) / 2
    corners = np.array([[left, top], [left, top]]) + np.outer(
        [margin, 1 - margin], [width, height]
    )
    (x0, y0), (x1, y1) = np.clip(np.round(scale * corners), 0, depth.shape[::-1]).astype(int)
    middle = depth[y0:y1, x0:x1]
    measured = middle[np.isfinite(middle) & (middle > 0)]
    if not len(measured) or len(measured) < _LEAST_VALID * middle.size:
        return face
    ray = camera.rays(mouth_from_face(face.box, face.landmarks))
    along_axis = float(ray @ camera.pose.rotation[:, 2])
    return replace(face, range=float(np.median(measured)) / along_axis)
