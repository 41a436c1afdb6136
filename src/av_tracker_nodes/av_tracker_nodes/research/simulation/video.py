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

"""What the cameras of a simulated scene see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import cv2
import numpy as np

from av_tracker_nodes.geometry import Camera
from av_tracker_nodes.research.simulation.backdrop import draw_backdrop
from av_tracker_nodes.research.simulation.balls import surface_of
from av_tracker_nodes.research.simulation.drawing import Canvas
from av_tracker_nodes.research.simulation.furniture import furnish
from av_tracker_nodes.research.simulation.lighting import Lighting
from av_tracker_nodes.research.simulation.posing import Actor
from av_tracker_nodes.research.simulation.scene import Scene

_FINER = 2
"""Pictures are drawn this much larger, then averaged."""

_NOISE_MARGIN = 128


def render_frames(
    scene: Scene, camera: int, frames: Sequence[int] | None = None
) -> Iterator[np.ndarray]:
    """Draw the frames of a camera one by one.

    The same scene gives the same frames, whichever of them are asked for.

    Parameters
    ----------
    scene : Scene
    camera : int
        Index of the camera.
    frames : sequence of int or None
        Which frames; all by default.

    Yields
    ------
    np.ndarray, shape (height, width, 3), uint8
        Blue, green, red.

    Raises
    ------
    InputError
        The package that carries the mesh of humans is not installed.
    """
    times = scene.frame_times(camera)
    studio = _Studio(scene, camera)
    for frame in range(len(times)) if frames is None else frames:
        yield studio.picture(times[frame], frame)


class _Studio:
    """All of a scene that stays the same from frame to frame, as one camera sees it.

    Where the camera moves, what stands behind the people is drawn for each frame, no finer than
    the picture: that would take most of the time.
    """

    def __init__(self, scene: Scene, camera: int) -> None:
        self._scene, self._index = scene, camera
        self._camera = _enlarge(scene.cameras[camera], _FINER)
        self._lighting = Lighting.draw(np.random.default_rng([scene.seed, 0x11647]))
        self._panels = furnish(scene)
        self._backdrop, self._nearness = draw_backdrop(
            scene, self._camera, self._lighting, self._panels
        )
        floor = scene.room.minimum[2]
        self._actors = [Actor(person, floor) for person in scene.people]
        self._balls = [surface_of(ball) for ball in scene.decor.balls] if scene.decor else []
        self._sensor = _Sensor(scene, camera)

    def picture(self, time: float, frame: int) -> np.ndarray:
        if self._scene.motion is not None:
            camera = self._scene.camera_at(self._index, time)
            self._camera = _enlarge(camera, _FINER)
            self._backdrop, self._nearness = (
                np.repeat(np.repeat(drawn, _FINER, axis=0), _FINER, axis=1)
                for drawn in draw_backdrop(self._scene, camera, self._lighting, self._panels)
            )
        canvas = Canvas(self._backdrop.copy(), self._nearness.copy(), self._camera, self._lighting)
        for actor in self._actors:
            canvas.draw(*actor.pose(time), actor.albedo, actor.triangles)
        for ball in self._balls:
            canvas.draw(*ball)
        return self._sensor.expose(canvas.image, time, frame)


class _Sensor:
    """Lens blur, exposure, white balance and noise of a camera."""

    def __init__(self, scene: Scene, camera: int) -> None:
        rng = np.random.default_rng([scene.seed, camera, 0x5E5])
        self._light = scene.light
        self._blur = float(np.hypot(rng.uniform(0.35, 0.6), scene.defocus))
        self._balance = 1 + rng.normal(0, 0.02, 3)
        self._drift = rng.uniform(0.15, 0.4, 3), rng.uniform(0, 2 * np.pi, 3)
        self._size = scene.cameras[camera].size
        width, height = self._size
        tile = (height + _NOISE_MARGIN, width + _NOISE_MARGIN, 3)
        noise = rng.normal(0, rng.uniform(1.5, 3.0), tile)
        self._noise = cv2.GaussianBlur(noise, (0, 0), 0.5).round().astype(np.int8)
        self._seed = [scene.seed, camera]

    def expose(self, image: np.ndarray, time: float, frame: int) -> np.ndarray:
        """Turn a drawn picture into a recorded one."""
        recorded = cv2.resize(image, self._size, interpolation=cv2.INTER_AREA)
        recorded = cv2.GaussianBlur(recorded, (0, 0), self._blur)
        brightness = np.interp(time, self._light[:, 0], self._light[:, 1])
        rate, phase = self._drift
        balance = self._balance * (1 + 0.012 * np.sin(rate * time + phase))
        gain = np.sqrt(brightness) * balance
        levels = np.clip(np.arange(256)[:, None] * gain, 0, 255).round().astype(np.uint8)
        exposed = cv2.LUT(recorded, levels.reshape(256, 1, 3))
        return cv2.add(exposed, self._noise_of(frame), dtype=cv2.CV_8U)

    def _noise_of(self, frame: int) -> np.ndarray:
        """Noise of a frame: a window of a large tile, turned about at random."""
        width, height = self._size
        rng = np.random.default_rng([*self._seed, frame])
        top, left = rng.integers(0, _NOISE_MARGIN, 2)
        tile = self._noise[top : top + height, left : left + width]
        return tile[:: rng.choice([-1, 1]), :: rng.choice([-1, 1])]


def _enlarge(camera: Camera, factor: int) -> Camera:
    """Return the camera with pixels that are smaller by a factor."""
    width, height = camera.size
    return replace(
        camera,
        fx=camera.fx * factor,
        fy=camera.fy * factor,
        cx=camera.cx * factor + (factor - 1) / 2,
        cy=camera.cy * factor + (factor - 1) / 2,
        size=(width * factor, height * factor),
    )
