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

"""Draw triangles into a picture with a depth buffer."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True, nogil=True, fastmath=True, error_model='numpy')
def draw_triangles(
    image: np.ndarray,
    nearness: np.ndarray,
    pixels: np.ndarray,
    vertex_nearness: np.ndarray,
    colours: np.ndarray,
    triangles: np.ndarray,
) -> None:
    """Draw opaque triangles that turn counter-clockwise in space towards the camera.

    Colour and nearness run linearly over the picture inside a triangle, which is exact for the
    nearness of a plane.

    Parameters
    ----------
    image : np.ndarray, shape (height, width, 3), uint8
        Changed in place.
    nearness : np.ndarray, shape (height, width), float32
        Inverse depth along the optical axis (1/m) of what the picture shows; changed in place.
    pixels : np.ndarray, shape (n, 2), float32
        Vertices in the picture; triangles with a NaN are left out.
    vertex_nearness : np.ndarray, shape (n,), float32
        Inverse depth of the vertices (1/m).
    colours : np.ndarray, shape (n, 3), float32
        0..255.
    triangles : np.ndarray, shape (m, 3), int32
        Vertex indices.
    """
    height, width = nearness.shape
    for triangle in triangles:
        a, b, c = triangle[0], triangle[1], triangle[2]
        ax, ay = pixels[a, 0], pixels[a, 1]
        bx, by = pixels[b, 0], pixels[b, 1]
        cx, cy = pixels[c, 0], pixels[c, 1]
        # Rows run downwards, so what turns counter-clockwise has a negative area here.
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if not area < 0:
            continue
        left = max(int(np.ceil(min(ax, bx, cx))), 0)
        right = min(int(np.floor(max(ax, bx, cx))), width - 1)
        top = max(int(np.ceil(min(ay, by, cy))), 0)
        bottom = min(int(np.floor(max(ay, by, cy))), height - 1)
        # Barycentric weights of a and b are linear in x and y.
        scale = np.float32(1) / area
        step_ax, step_ay = (by - cy) * scale, (cx - bx) * scale
        step_bx, step_by = (cy - ay) * scale, (ax - cx) * scale
        near_a = vertex_nearness[a] - vertex_nearness[c]
        near_b = vertex_nearness[b] - vertex_nearness[c]
        for y in range(top, bottom + 1):
            row_a = (y - cy) * step_ay - cx * step_ax
            row_b = (y - cy) * step_by - cx * step_bx
            for x in range(left, right + 1):
                wa, wb = row_a + x * step_ax, row_b + x * step_bx
                if wa < 0 or wb < 0 or wa + wb > 1:
                    continue
                near = vertex_nearness[c] + wa * near_a + wb * near_b
                if near <= nearness[y, x]:
                    continue
                nearness[y, x] = near
                wc = 1 - wa - wb
                for k in range(3):
                    value = wa * colours[a, k] + wb * colours[b, k] + wc * colours[c, k]
                    image[y, x, k] = np.uint8(value)
