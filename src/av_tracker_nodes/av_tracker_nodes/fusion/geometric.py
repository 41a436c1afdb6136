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

"""Fusion by geometry alone: the baselines without a network.

A face gives a line of sight and, through the usual size of heads, a rough range. The coherence
field along that line gives a range of its own while the face speaks; both combine as Gaussians.
Peaks of the field that no face explains are voices without a face.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from av_tracker_nodes.fusion.base import FusionModel
from av_tracker_nodes.fusion.cone import in_front
from av_tracker_nodes.fusion.ranges import SIZE_STD, Range, range_of_face, ranged
from av_tracker_nodes.geometry import Camera, MicrophoneArray, Rig
from av_tracker_nodes.geometry.bearings import heard_angles, heard_deviations
from av_tracker_nodes.geometry.face import (
    DETECTOR_FACE_HEIGHT,
    mouth_from_face,
    shares_outside,
)
from av_tracker_nodes.geometry.head import range_of_box, visible_box
from av_tracker_nodes.types import (
    AcousticMap,
    AcousticPeak,
    Detection,
    DetectionFrame,
    Face,
    FaceFrame,
    FaceSound,
    Modality,
    to_seconds,
)

_SIGHT_STD = 0.06
"""Deviation of the detected mouth, in heights of the face."""
_CUT_SIGHT_STD = np.array([0.2, 0.2, 0.2, 0.4])
_CUT_SIZE_STD = np.array([0.4, 0.5, 0.4, 1.2])
"""Deviations of the mouth (face heights) and of the size (relative) of a face that the border of
the picture cuts, times the share of it beyond the left, upper, right, lower border: most where the
chin is not seen (simulated heads of the validation split, cut by 10 to 50 % at each border)."""
_PLACE_STD = 0.07
"""A face is that uncertain across, as the arrays hear it (m): who walks past close by is a step
ahead of the sound of the last 0.2 s."""
_PLAUSIBLE_RANGES = np.geomspace(0.8, 1.25, 10)
"""Where a face can be, relative to the range that its size tells."""
_SURE_SPEECH, _LEAST_TRUST = 0.75, 0.2
"""Speech is told of now, place of the last 0.2 s: as long as speech is less probable than this, a
voice that sets in may be placed where other sound was (training and validation scenes)."""
_DIRECTION_KNOWN = np.radians(25.0)
"""Deviation of a direction up to which a voice alone is somebody at a place: microphones on a line
hear a cone of directions."""


@dataclass(frozen=True)
class _Sighting:
    """A face, the unit vector from the camera to its mouth, and how far off its size tells.

    `sight_std` is the deviation of the mouth across the line of sight (face heights).
    """

    face: Face
    ray: np.ndarray
    by_size: Range
    sight_std: float

    @classmethod
    def of(cls, faces: Sequence[Face], camera: Camera) -> list[_Sighting]:
        """Look at faces: all rays are cast at once."""
        if not faces:
            return []
        rays = camera.rays(np.array([mouth_from_face(face.box, face.landmarks) for face in faces]))
        boxes = np.array([face.box for face in faces])
        by_size = range_of_box(camera, boxes, DETECTOR_FACE_HEIGHT)
        cut = shares_outside(boxes, camera.size)
        across = np.hypot(_SIGHT_STD, (_CUT_SIGHT_STD * cut).max(axis=1))
        along = np.hypot(SIZE_STD, (_CUT_SIZE_STD * cut).max(axis=1))
        return [
            cls(face, ray, Range.by_size(float(mean), float(std)), float(sight_std))
            for face, ray, mean, std, sight_std in zip(
                faces, rays, by_size, along, across, strict=True
            )
        ]


class GeometricFusion(FusionModel):
    """Line of sight from the face, range from face size and coherence, voices from peaks.

    Parameters
    ----------
    measure : str
        Acoustic measure.
    see : bool
        Use faces.
    hear : bool
        Use sound.
    hear_faces : bool
        Use the coherence inside the face boxes; otherwise a face speaks when a peak lies there.
    size_alone : bool
        Place faces where their size alone tells, whatever depth and sound say: what networks
        start from.
    """

    def __init__(
        self,
        measure: str = 'vggcf',
        see: bool = True,
        hear: bool = True,
        hear_faces: bool = True,
        size_alone: bool = False,
    ) -> None:
        super().__init__()
        self.measure = measure
        self.sees, self.hears, self._hear_faces = see, hear, hear_faces
        self._size_alone = size_alone

    def detect(
        self, faces: FaceFrame, sound: AcousticMap, rig: Rig, image: np.ndarray | None = None
    ) -> DetectionFrame:
        """Detect people; see :meth:`FusionModel.detect`."""
        config, seen_faces = self.config, faces.faces if self.sees else ()
        sightings = _Sighting.of(seen_faces, rig.camera)
        strongest = max((peak.score for peak in sound.peaks), default=0.0)
        peaks = [
            peak
            for peak in sound.peaks
            if self.hears
            and peak.speech >= config.least_speech
            and peak.score >= config.least_dominance * strongest
        ]
        delay = to_seconds(sound.stamp - sound.audio_stamp)
        looked = self.sees and sound.from_image
        doubt = config.hidden_range_std if looked else config.blind_range_std
        claimed: set[int] = set()
        detections = []
        for sighting in sightings:
            voices = [
                k
                for k, peak in enumerate(peaks)
                if _is_voice_of(peak, sighting, rig, config.same_direction)
            ]
            claimed.update(voices)
            heard = self._heard(sighting.face, sound, [peaks[k] for k in voices], rig)
            detections.append(self._seen(sighting, heard, rig.camera))
        detections += [
            self._heard_only(peak, peak.score / strongest, delay, doubt, rig)
            for k, peak in enumerate(peaks)
            if k not in claimed
        ]
        return DetectionFrame(faces.stamp, tuple(detections), sound.from_image)

    def _heard(
        self, face: Face, sound: AcousticMap, voices: list[AcousticPeak], rig: Rig
    ) -> FaceSound | AcousticPeak | None:
        """Return the sound of a face: inside its box, or the best peak in its direction.

        One microphone has no peaks: what it hears is told of the faces.
        """
        if not self.hears:
            return None
        if self._hear_faces or not rig.tells_directions:
            return next((s for s in sound.faces if s.tracklet == face.tracklet), None)
        return max(voices, key=lambda peak: peak.score, default=None)

    def _seen(
        self, sighting: _Sighting, heard: FaceSound | AcousticPeak | None, camera: Camera
    ) -> Detection:
        face, distance = sighting.face, sighting.by_size
        speech = 0.0 if heard is None else heard.speech
        across = sighting.sight_std * DETECTOR_FACE_HEIGHT
        along = np.outer(sighting.ray, sighting.ray)
        position = camera.centre + distance.mean * sighting.ray
        detection = Detection(
            position=position,
            covariance=across**2 * (np.eye(3) - along) + distance.std**2 * along,
            modalities=Modality.VISUAL | (Modality.AUDIO if speech >= 0.5 else Modality.NONE),
            box=visible_box(camera, position),
            size_gain=distance.size_gain,
            quality=face.score,
            speaking=speech,
            tracklet=face.tracklet,
            embedding=face.embedding,
        )
        return detection if self._size_alone else ranged(detection, face, heard, camera)

    def _heard_only(
        self, peak: AcousticPeak, quality: float, delay: float, doubt: float, rig: Rig
    ) -> Detection:
        """Make a detection of a voice; its quality is its strength relative to the strongest one.

        `doubt` is the relative deviation of its distance from the axis of the microphones. In
        training and validation scenes of one walker turned away, voices lay 25 % too far from it,
        for seconds on end, but within 5 cm along it.

        The weaker of two sources is placed in the echoes of the stronger one: its deviation grows
        as their ratio.
        """
        position, covariance = in_front(peak.position, peak.covariance, rig)
        known = _direction_std(position - rig.microphones.centre, covariance) < _DIRECTION_KNOWN
        outward = doubt * _from_axis(position, rig.microphones)
        covariance = covariance / (quality * _trust(peak.speech)) ** 2
        covariance += np.outer(outward, outward)
        return Detection(
            position=rig.target_from_array @ position,
            covariance=rig.target_from_array.rotate_covariance(covariance),
            modalities=Modality.AUDIO,
            quality=quality if known else min(quality, self.config.vague_quality),
            speaking=peak.speech,
            delay=delay,
        )


def _is_voice_of(peak: AcousticPeak, sighting: _Sighting, rig: Rig, same_direction: float) -> bool:
    """Tell whether the line of sight of a face passes through the direction of a peak.

    Sensors that are not quite where they should be see and hear somebody apart.
    """
    sight = range_of_face(sighting.by_size, sighting.face, None)
    ranges = sight.mean * _PLAUSIBLE_RANGES
    line = rig.camera.centre + ranges[:, None] * sighting.ray
    array, doubt = rig.microphones, rig.uncertainty
    towards = rig.target_from_array.inverse @ line - array.centre
    distances = np.linalg.norm(towards, axis=-1)
    towards = towards / distances[:, None]
    angles = heard_angles(array, peak.direction, towards)
    stds = heard_deviations(array, peak.position - array.centre, peak.covariance, towards)
    apart = angles - doubt.angle_std - doubt.position_std / distances
    return bool((apart < same_direction * np.hypot(stds, _PLACE_STD / distances)).any())


def _direction_std(offset: np.ndarray, covariance: np.ndarray) -> float:
    """Largest deviation (rad) of the direction of a place (m) from the microphones."""
    square = offset @ offset
    across = np.eye(3) - np.outer(offset, offset) / square
    return float(np.sqrt(np.linalg.eigvalsh(across @ covariance @ across)[-1] / square))


def _trust(speech: float) -> float:
    """How far the place of a sound is that of the voice, from how probable speech is, 0..1."""
    return float(np.clip((speech - 0.5) / (_SURE_SPEECH - 0.5), _LEAST_TRUST, 1.0) ** 2)


def _from_axis(position: np.ndarray, microphones: MicrophoneArray) -> np.ndarray:
    """Vector from the longest axis of the microphones to a position (m), shape (3,).

    Parallax along that axis tells the range. The mirror images of a voice in floor, ceiling and
    the walls beside the axis lie farther from it, at the same place along it: echoes that merge
    with the voice change the one and leave the other. Microphones as wide as they are long have
    no such axis, only a centre; in between, the axis counts in part.
    """
    _, extents, axes = np.linalg.svd(microphones.positions - microphones.centre)
    share = 1 - (extents[1] / extents[0]) ** 2
    offset = position - microphones.centre
    return offset - share * (axes[0] @ offset) * axes[0]
