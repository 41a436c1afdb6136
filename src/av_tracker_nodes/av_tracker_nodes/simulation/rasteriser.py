# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

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
        for y in range(top, bottom + 1):
            for x in range(left, right + 1):
                wa = ((bx - x) * (cy - y) - (by - y) * (cx - x)) / area
                wb = ((cx - x) * (ay - y) - (cy - y) * (ax - x)) / area
                wc = 1 - wa - wb
                if wa < 0 or wb < 0 or wc < 0:
                    continue
                near = wa * vertex_nearness[a] + wb * vertex_nearness[b] + wc * vertex_nearness[c]
                if near <= nearness[y, x]:
                    continue
                nearness[y, x] = near
                for k in range(3):
                    value = wa * colours[a, k] + wb * colours[b, k] + wc * colours[c, k]
                    image[y, x, k] = np.uint8(value)
