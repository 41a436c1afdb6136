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

"""Directions of simultaneous voices by each method, from the same sound up to the same instant.

Everybody is told how many voices there are. GCF and stGCF take the highest points of their map
of the image, pyroomacoustics those of its spectrum over the same view and room, each at least 10
degrees from the ones before. vgGCF and V-WSWE take the highest points inside the boxes of the
loudest faces. The sources of the acoustic stage are the peaks that the tracker gets, sought all
round; the best of those in view count.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from av_tracker_nodes.acoustics import MEASURES, AcousticConfig, SoundMapper
from av_tracker_nodes.geometry import Rig
from av_tracker_nodes.geometry.grid import directions, inverse_ranges
from av_tracker_nodes.geometry.region import SourceRegion
from av_tracker_nodes.recordings.sound_blocks import cut_blocks
from av_tracker_nodes.research.experiments.accuracy.map_peaks import (
    MapView,
    highest,
    peak_of_face,
    unit,
)
from av_tracker_nodes.research.pyroom import METHODS as PEERS
from av_tracker_nodes.research.pyroom import have_pyroomacoustics, spectrum_over_points
from av_tracker_nodes.research.simulation.speech import RATE
from av_tracker_nodes.types import AcousticPeak, AudioBlock, Face, FaceFrame, FaceSound, to_seconds

MAP_MEASURES = tuple(name for name, measure in MEASURES.items() if measure.cuts_out_faces)
FACE_MEASURES = tuple(name for name in MEASURES if name not in MAP_MEASURES)
SOURCES = 'sources'
METHODS = (*MAP_MEASURES, *FACE_MEASURES, SOURCES, *PEERS)

_CONFIG = AcousticConfig(columns=240)
"""Maps twice as fine as usual, so that their pitch does not limit the figures."""

_BLOCK = RATE // 100
_PEER_FRAMES = 10
_PEER_BAND = 500.0, 4000.0
"""The band of pyroomacoustics itself: better for both of its methods than that of our maps on
validation scenes, as was steering all 16 microphones at once rather than each circle alone."""

_PEER_STEP, _PEER_PARALLAX = np.radians(5.0), np.radians(20.0)
_CLIMBS = 10
_STENCIL = np.stack(np.meshgrid(*[[0.0, -1.0, 1.0]] * 3, indexing='ij'), axis=-1).reshape(-1, 3)
"""A point, first, and its neighbours."""


class StageListener:
    """The acoustic stage with one measure.

    Parameters
    ----------
    rig : Rig
    measure : str
        Of the maps.
    blocks : iterable of AudioBlock
        The sound.

    Attributes
    ----------
    history : int
        Images before the one of interest that it must see too.
    """

    def __init__(self, rig: Rig, measure: str, blocks: Iterable[AudioBlock]) -> None:
        self.history = _CONFIG.history if MEASURES[measure].enhances_faces else 0
        self._sound = SoundMapper(measure, rig, blocks, config=_CONFIG)
        self._camera = rig.camera_in_array
        self._view = MapView(rig)
        self._centre = rig.microphones.centre
        self._measure = measure

    def listen(self, faces: FaceFrame, count: int) -> dict[str, np.ndarray]:
        """Find `count` voices at the stamp of an image.

        Returns
        -------
        dict of np.ndarray, shape (at most count, 3)
            Unit vectors from the centre of the microphones, by method.
        """
        sound = self._sound.map(faces)
        if self._measure in MAP_MEASURES:
            points = self._view.peaks(sound, count)
            return {self._measure: unit(points - self._centre)}
        found = {self._measure: self._of_faces(faces.faces, sound.faces, count)}
        if self._measure == 'vggcf':
            found[SOURCES] = self._of_peaks(sound.peaks, count)
        return found

    def _of_peaks(self, peaks: tuple[AcousticPeak, ...], count: int) -> np.ndarray:
        places = np.array([peak.position for peak in peaks]).reshape(-1, 3)
        seen = self._camera.contains(self._camera.project(places))
        return unit(places[seen][:count] - self._centre)

    def _of_faces(
        self, faces: tuple[Face, ...], sounds: tuple[FaceSound, ...], count: int
    ) -> np.ndarray:
        loudest = sorted(
            zip(faces, sounds, strict=True), key=lambda pair: -float(pair[1].values.max())
        )
        points = [peak_of_face(self._camera, *pair) for pair in loudest[:count]]
        return unit(np.array(points) - self._centre)


class PeerListener:
    """SRP-PHAT or MUSIC of pyroomacoustics on the frames that the stage averages.

    The spectrum is taken over points of the room in view of the camera, and climbed from there to
    its peaks.

    Parameters
    ----------
    rig : Rig
    method : str
        ``srp`` or ``music``.
    sound : np.ndarray, shape (samples, microphones)
        From stamp 0 on.
    """

    history = 0

    def __init__(self, rig: Rig, method: str, sound: np.ndarray) -> None:
        array = rig.microphones
        self._method = method
        self._length = round(_CONFIG.frame * array.rate)
        self._array = array
        low, high = np.array(_PEER_BAND) * self._length / array.rate
        self._bins = np.arange(np.ceil(low), high // 1 + 1, dtype=int)
        self._centre = array.centre
        self._samples = sound
        baseline = 2 * np.linalg.norm(array.positions - array.centre, axis=1).max()
        ranges = inverse_ranges(baseline, _CONFIG.min_range, _CONFIG.max_range, _PEER_PARALLAX)
        self._inverse_step = ranges[0] - ranges[1]
        self._inverse_limits = ranges[-1], ranges[0]
        points = self._centre + directions(_PEER_STEP)[:, None] / ranges[None, :, None]
        points = points.reshape(-1, 3)
        camera = rig.camera_in_array
        seen = camera.contains(camera.project(points))
        self._points = points[seen & SourceRegion.of(rig).contains(points)]

    def listen(self, faces: FaceFrame, count: int) -> dict[str, np.ndarray]:
        """Find `count` voices; see :meth:`StageListener.listen`."""
        spectra = self._spectra(round(to_seconds(faces.stamp) * self._array.rate))
        values = self._spectrum(spectra, count, self._points)
        peaks = self._points[highest(values, unit(self._points - self._centre), count)]
        steps = np.full(len(peaks), 0.5)
        for _ in range(_CLIMBS):
            points = np.stack([self._around(*start) for start in zip(peaks, steps, strict=True)])
            values = self._spectrum(spectra, count, points.reshape(-1, 3))
            best = values.reshape(len(peaks), -1).argmax(axis=1)
            peaks = points[np.arange(len(peaks)), best]
            steps[best == 0] /= 2
        return {self._method: unit(peaks - self._centre)}

    def _spectrum(self, spectra: np.ndarray, count: int, points: np.ndarray) -> np.ndarray:
        """Spectrum (n,) of `count` sources at points (n, 3)."""
        array = self._array
        setting = array.rate, array.speed_of_sound
        return spectrum_over_points(
            self._method, array.positions, spectra, self._bins, points, *setting, count
        )

    def _spectra(self, end: int) -> np.ndarray:
        """Transform half-overlapping Hamming frames, shape (microphones, bins, frames)."""
        hop = self._length // 2
        ends = end - hop * np.arange(_PEER_FRAMES)
        frames = np.stack([self._samples[at - self._length : at] for at in ends], axis=-1)
        window = np.hamming(self._length + 1)[:-1, None, None]
        return np.fft.rfft(frames * window, axis=0).transpose(1, 0, 2)

    def _around(self, point: np.ndarray, step: float) -> np.ndarray:
        """Neighbours of a point, shape (n, 3), a share of the spacing of the grid away."""
        distance = np.linalg.norm(point - self._centre)
        outwards = (point - self._centre) / distance
        across = np.linalg.svd(outwards[None])[2][1:]
        towards = unit(outwards + step * _PEER_STEP * _STENCIL[:, :2] @ across)
        inverse = 1 / distance + step * self._inverse_step * _STENCIL[:, 2]
        return self._centre + towards / np.clip(inverse, *self._inverse_limits)[:, None]


def listeners(rig: Rig, sound: np.ndarray) -> list[StageListener | PeerListener]:
    """Make one listener for each measure, and for each peer that is installed.

    Parameters
    ----------
    rig : Rig
    sound : np.ndarray, shape (samples, channels)
        That they listen to, from stamp 0 on.
    """
    blocks = list(cut_blocks([sound], _BLOCK, RATE, start=0))
    stages = [StageListener(rig, measure, blocks) for measure in (*MAP_MEASURES, *FACE_MEASURES)]
    return stages + [PeerListener(rig, peer, sound) for peer in PEERS if have_pyroomacoustics()]
