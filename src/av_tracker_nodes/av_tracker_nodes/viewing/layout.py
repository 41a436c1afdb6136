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

"""How the window of the viewer is divided, and from where it looks at the room."""

from __future__ import annotations

import numpy as np
import rerun.blueprint as rrb

from av_tracker_nodes.geometry import Camera
from av_tracker_nodes.viewing import paths

_BEHIND, _BESIDE, _ABOVE = 1.0, 0.6, 0.8
"""Where the viewer looks from, as seen from the camera (m)."""
_AHEAD = 2.0
"""Where it looks to: before the camera (m)."""


def blueprint(camera: Camera | None) -> rrb.Blueprint:
    """Return room and legend at the left; image and probabilities of speech at the right."""
    eye = {} if camera is None else {'eye_controls': _eye(camera)}
    room = rrb.Spatial3DView(origin=paths.WORLD, name='Room', **eye)
    image = rrb.Spatial2DView(origin=paths.IMAGE, name='Image with sound')
    speech = rrb.TimeSeriesView(
        origin=paths.SPEAKING, name='Speaking', axis_y=rrb.ScalarAxis(range=(0.0, 1.0))
    )
    legend = rrb.TextDocumentView(origin=paths.LEGEND, name='What is what')
    left = rrb.Vertical(room, legend, row_shares=[4, 1])
    right = rrb.Vertical(image, speech, row_shares=[3, 2])
    return rrb.Blueprint(
        rrb.Horizontal(left, right, column_shares=[3, 2]),
        rrb.TimePanel(state='collapsed'),
        rrb.SelectionPanel(state='collapsed'),
    )


def _eye(camera: Camera) -> rrb.EyeControls3D:
    """Look over the shoulder of the camera."""
    right, _, forward = camera.pose.rotation.T
    up = np.array([0.0, 0.0, 1.0])
    return rrb.EyeControls3D(
        position=camera.centre - _BEHIND * forward + _BESIDE * right + _ABOVE * up,
        look_target=camera.centre + _AHEAD * forward,
        eye_up=up,
    )
