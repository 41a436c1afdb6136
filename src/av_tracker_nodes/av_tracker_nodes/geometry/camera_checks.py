# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""What is odd about a camera although it can be meant."""

from __future__ import annotations

from av_tracker_nodes.geometry.camera import Camera

_UPRIGHT = 0.87
"""Cosine of the angle to the vertical (30 degrees) from which an axis points up or down."""


def optical_axis_problem(camera: Camera, frame: str) -> str | None:
    """Tell that a camera looks up or down, as one does whose frame is not the optical one.

    Parameters
    ----------
    camera : Camera
        Described in a frame whose z points up.
    frame : str
        Its own frame.
    """
    upwards = camera.pose.rotation[2, 2]
    if abs(upwards) < _UPRIGHT:
        return None
    return (
        f"the camera looks {'up' if upwards > 0 else 'down'}: '{frame}' has to be its optical "
        'frame (x right, y down, z forward); set frame_id of the driver to it, such as '
        'camera_optical_frame, unless the camera is mounted so'
    )
