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

"""What each face sounds like."""

from __future__ import annotations

import numpy as np

from av_tracker_nodes.acoustics.activity import UNHEARD, speech_probability
from av_tracker_nodes.acoustics.config import AcousticConfig
from av_tracker_nodes.acoustics.enhancement import WeightedHistory
from av_tracker_nodes.acoustics.faces import FaceField, FaceVolume
from av_tracker_nodes.acoustics.hearing import Heard, Hearing
from av_tracker_nodes.acoustics.measures import Measure
from av_tracker_nodes.acoustics.peaks import Source
from av_tracker_nodes.geometry.bearings import (
    heard_angles,
    heard_deviations,
    is_single_and_flat,
)
from av_tracker_nodes.geometry.ray_map import RayMap
from av_tracker_nodes.types import FaceFrame, FaceSound

_SAME_DIRECTION = 9.0
"""A source can be that of a face that a flat array hears within this squared deviation of it."""

_PLACE_STD = 0.07
"""How far (m) a face is across from where it was when it was heard: who walks past is a step ahead
of the sound of the last 0.2 s."""

_LEAST_SHARE = 0.05
"""A source is no part of what a face may sound like that it comes from less probably than this."""


class FaceListener:
    """Tells the sources of faces from others, and maps the faces.

    Parameters
    ----------
    hearing : Hearing
    measure : Measure
    config : AcousticConfig
    """

    def __init__(self, hearing: Hearing, measure: Measure, config: AcousticConfig) -> None:
        self._hearing = hearing
        self._measure = measure
        self._config = config
        self._history = WeightedHistory(config.history)
        self._images = 0

    def forget(self) -> None:
        """Forget the maps of all faces."""
        self._history.reset()

    def listen(
        self, faces: FaceFrame, sight: RayMap | None, heard: Heard
    ) -> tuple[FaceSound, ...]:
        """Listen to the faces of the next image.

        Parameters
        ----------
        faces : FaceFrame
        sight : RayMap or None
            Of the camera that saw them, in the array frame; without one there are no faces.
        heard : Heard
            What sound alone tells at the stamp.
        """
        self._images += 1
        volumes = self._volumes(faces, sight)
        shares = self._shares(volumes, heard.sources)
        fields = [
            self._field(volume, self._hearing.gcc.correlate(_own(share, heard)))
            for volume, share in zip(volumes, shares.T, strict=True)
        ]
        speech = self._speech(heard, shares, fields)
        sounds = tuple(
            self._sound(face.tracklet, volume, field, probability, heard)
            for face, volume, field, probability in zip(
                faces.faces, volumes, fields, speech, strict=True
            )
        )
        self._history.forget_before(self._images)
        return sounds

    def silence(self, faces: FaceFrame, sight: RayMap | None) -> tuple[FaceSound, ...]:
        """Say of the faces of the next image that they are silent."""
        self._images += 1
        return tuple(
            volume.without_coherence(face.tracklet, 0.0, sight, self._config)
            for face, volume in zip(faces.faces, self._volumes(faces, sight), strict=True)
        )

    def _volumes(self, faces: FaceFrame, sight: RayMap | None) -> list[FaceVolume]:
        return [FaceVolume.behind(sight, face, self._config) for face in faces.faces]

    def _shares(self, volumes: list[FaceVolume], sources: list[Source]) -> np.ndarray:
        """How probably each source is that of each face, shape (sources, faces)."""
        shares = [self._share(volumes, source) for source in sources]
        return np.reshape(shares, (len(sources), len(volumes)))

    def _share(self, volumes: list[FaceVolume], source: Source) -> np.ndarray:
        """How probably a source is that of each face, shape (faces,).

        It is that of the face that explains its place best, if one does. One small flat array
        hears an angle about an axis, or to a line: there all faces at that angle may have it, and
        how probably follows from how well each one fits.
        """
        if not volumes:
            return np.zeros(0)
        array = self._hearing.array
        squared = np.array(
            [volume.distance(source.position, source.covariance) for volume in volumes]
        )
        if not is_single_and_flat(array):
            nearest = np.arange(len(volumes)) == np.argmin(squared)
            return (nearest & (squared < self._config.face_gate)).astype(float)
        offsets = np.array([volume.centre for volume in volumes]) - array.centre
        distances = np.linalg.norm(offsets, axis=1)
        towards = offsets / distances[:, None]
        angles = heard_angles(array, source.direction, towards)
        offset = source.position - array.centre
        stds = heard_deviations(array, offset, source.covariance, towards)
        squared = (angles / np.hypot(stds, _PLACE_STD / distances)) ** 2
        likely = np.where(squared < _SAME_DIRECTION, np.exp(-0.5 * squared), 0.0)
        return likely / max(likely.sum(), np.finfo(float).tiny)

    def _field(self, volume: FaceVolume, correlation: np.ndarray) -> FaceField:
        points = volume.points
        values = self._hearing.finder.coherence_of(correlation, points.reshape(-1, 3))
        return FaceField.of(volume, values.reshape(points.shape[:-1]), self._config)

    def _speech(self, heard: Heard, shares: np.ndarray, fields: list[FaceField]) -> list[float]:
        """Probability that each face speaks.

        A face shares the beams of its sources, as probably as they are its own; one without, from
        where hardly anything comes, is not listened to. What its beam hears of the sources is
        taken off.
        """
        beams = {
            face: [
                (float(shares[source, face]), heard.voices[source])
                for source in np.flatnonzero(shares[:, face] > _LEAST_SHARE)
            ]
            for face in range(len(fields))
        }
        others = [
            face
            for face, field in enumerate(fields)
            if not beams[face] and field.peak >= self._config.min_score
        ]
        if others:
            places = [source.position for source in heard.sources]
            places += [fields[face].position for face in others]
            voices = self._hearing.voices(heard.context, places)[len(heard.sources) :]
            beams |= {face: [(1.0, voice)] for face, voice in zip(others, voices, strict=True)}
        alive = int(heard.context.alive.sum())
        return [
            max(
                share * speech_probability(field.peak, alive, voice, self._config.face_speech)
                for share, voice in beams[face] or [(1.0, UNHEARD)]
            )
            for face, field in enumerate(fields)
        ]

    def _sound(
        self, tracklet: int, volume: FaceVolume, field: FaceField, speech: float, heard: Heard
    ) -> FaceSound:
        if self._measure.cuts_out_faces:
            field = self._field(volume, heard.shown.correlation)
        values = field.values
        if self._measure.enhances_faces:
            values = self._history.enhance(tracklet, self._images, values)
        return FaceSound(
            tracklet,
            values,
            field.peak,
            field.mean,
            field.position,
            field.range,
            field.range_std,
            speech,
        )


def _own(share: np.ndarray, heard: Heard) -> np.ndarray:
    """Cross-spectra of what can come from a face: its sources, and what no source explains.

    Parameters
    ----------
    share : np.ndarray, shape (sources,)
        How probably each source is that of the face.
    heard : Heard
    """
    return heard.residual + sum(
        source.cross
        for source, own in zip(heard.sources, share, strict=True)
        if own > _LEAST_SHARE
    )
