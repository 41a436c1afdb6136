# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

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
from av_tracker_nodes.geometry.bearings import heard_angles, is_single_and_flat
from av_tracker_nodes.geometry.ray_map import RayMap
from av_tracker_nodes.types import FaceFrame, FaceSound

_SAME_DIRECTION = np.radians(8.0)
"""A source is that of a face that a flat array hears nearer to it than this (rad)."""


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
        owners = self._owners(volumes, heard.sources)
        fields = [
            self._field(volume, self._hearing.gcc.correlate(_own(number, owners, heard)))
            for number, volume in enumerate(volumes)
        ]
        voices = self._voices(heard, owners, fields)
        sounds = tuple(
            self._sound(face.tracklet, volume, field, voice, heard)
            for face, volume, field, voice in zip(
                faces.faces, volumes, fields, voices, strict=True
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

    def _owners(self, volumes: list[FaceVolume], sources: list[Source]) -> list[int | None]:
        """Give each source to the face that explains its place best, if one does."""
        return [self._owner(volumes, source) for source in sources]

    def _owner(self, volumes: list[FaceVolume], source: Source) -> int | None:
        if not volumes:
            return None
        distances = [volume.distance(source.position, source.covariance) for volume in volumes]
        nearest = int(np.argmin(distances))
        if distances[nearest] < self._config.face_gate:
            return nearest
        # What a single flat array says of the place is wrong where it cannot tell directions.
        array = self._hearing.array
        if not is_single_and_flat(array):
            return None
        towards = np.array([volume.centre for volume in volumes]) - array.centre
        towards /= np.linalg.norm(towards, axis=1, keepdims=True)
        angles = heard_angles(array, source.direction, towards)
        nearest = int(np.argmin(angles))
        return nearest if angles[nearest] < _SAME_DIRECTION else None

    def _field(self, volume: FaceVolume, correlation: np.ndarray) -> FaceField:
        points = volume.points
        values = self._hearing.finder.coherence_of(correlation, points.reshape(-1, 3))
        return FaceField.of(volume, values.reshape(points.shape[:-1]), self._config)

    def _voices(
        self, heard: Heard, owners: list[int | None], fields: list[FaceField]
    ) -> list[float]:
        """Log-odds that each face is a voice.

        A face shares the beam of its strongest source; one without, from where hardly anything
        comes, is not listened to. What its beam hears of the sources is taken off.
        """
        voices = {face: heard.voices[owners.index(face)] for face in owners if face is not None}
        others = [
            face
            for face, field in enumerate(fields)
            if face not in voices and field.peak >= self._config.min_score
        ]
        if others:
            places = [source.position for source in heard.sources]
            places += [fields[face].position for face in others]
            beams = self._hearing.voices(heard.context, places)[len(heard.sources) :]
            voices |= zip(others, beams, strict=True)
        return [voices.get(face, UNHEARD) for face in range(len(fields))]

    def _sound(
        self, tracklet: int, volume: FaceVolume, field: FaceField, voice: float, heard: Heard
    ) -> FaceSound:
        speech = speech_probability(
            field.peak, int(heard.context.alive.sum()), voice, self._config.face_speech
        )
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


def _own(face: int, owners: list[int | None], heard: Heard) -> np.ndarray:
    """Cross-spectra of what can come from a face: its sources, and what no source explains."""
    return heard.residual + sum(
        source.cross for source, owner in zip(heard.sources, owners, strict=True) if owner == face
    )
