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

"""Candidates for people and their measurements: the input of the networks.

The same code serves training and running. A candidate is a detected face, a voice that no face
explains, or a head that was there a moment ago and that the face detector no longer finds. Each
carries what geometry alone makes of it, which the networks refine.

Nothing of what they are given depends on the rig. A head at range r before a lens of focal length
f looks as one at s r before a lens of s f: networks that are told ranges, pixels or rows of the
picture learn the room that they were trained in. The field is told relative to the strongest
sound of the image, as the coherence of the same voice differs between arrays.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import cv2
import numpy as np

from av_tracker_nodes.fusion.sight_frame import SightFrame
from av_tracker_nodes.geometry import Rig
from av_tracker_nodes.geometry.crops import square_crop
from av_tracker_nodes.geometry.head import box_centre
from av_tracker_nodes.types import (
    AcousticMap,
    Detection,
    DetectionFrame,
    Face,
    FaceFrame,
    FaceSound,
    log_odds,
)

CROP_SIZE = 64
"""Side of the pictures of candidates (pixels)."""
CROP_SIDE, CROP_DROP = 2.5, 0.25
"""Side of the picture, and how far its centre lies below that of the face, in face heights."""
MAP_SIZE = 16
"""Side of the maps of candidates (points)."""
GLOBAL_MAP_SIZE = (48, 60)
"""Rows and columns of the global map."""
PEAKS = 3
"""Nearest peaks of the coherence field that a candidate is told of."""
SIGHT_FEATURES, SOUND_FEATURES = 25, 30
"""Numbers that a network is given of a candidate beside picture and map."""
PREDICTED = 8
"""Numbers that a network says of a candidate."""

_LEAST_COHERENCE = 0.1
"""Silence is not made as loud as speech."""
_LOGIT_SCALE = 5.0
_REACH = np.array([4.0, 4.0, 4.0])
"""Offsets of peaks are cut there (face heights across, deviations along)."""
_LARGEST_RATIO = 1.0
"""Ranges by sound are cut there (log of the ratio to that by sight)."""
_LONGEST_UNSEEN = 3.0


class Kind(IntEnum):
    """Why somebody may be there."""

    FACE = 0
    VOICE = 1
    MEMORY = 2


@dataclass(frozen=True)
class Candidate:
    """A place where somebody may be.

    Attributes
    ----------
    kind : Kind
    base : Detection
        What geometry alone makes of it, in the target frame; a face where its size alone tells.
    face : Face or None
    sound : FaceSound or None
        Of the face.
    unseen : float
        Seconds since a face was detected there.
    """

    kind: Kind
    base: Detection
    face: Face | None = None
    sound: FaceSound | None = None
    unseen: float = 0.0


@dataclass(frozen=True)
class CandidateArrays:
    """Candidates of one frame as arrays.

    Attributes
    ----------
    crops : np.ndarray, shape (n, CROP_SIZE, CROP_SIZE, 3), uint8
        Blue, green, red; zeros where there is no picture.
    maps : np.ndarray, shape (n, MAP_SIZE, MAP_SIZE), float32
        Relative coherence over the face box, enhanced where the candidate is a face.
    sight : np.ndarray, shape (n, SIGHT_FEATURES), float32
        See `sight_features`.
    sound : np.ndarray, shape (n, SOUND_FEATURES), float32
        See `sound_features`.
    global_map : np.ndarray, shape GLOBAL_MAP_SIZE, float32
        Relative coherence over the whole picture.
    """

    crops: np.ndarray
    maps: np.ndarray
    sight: np.ndarray
    sound: np.ndarray
    global_map: np.ndarray


def find_candidates(
    faces: FaceFrame, sound: AcousticMap, geometric: DetectionFrame
) -> list[Candidate]:
    """Name faces, and voices that no face explains.

    Parameters
    ----------
    faces : FaceFrame
    sound : AcousticMap
    geometric : DetectionFrame
        What `GeometricFusion` makes of both by `size_alone`: a detection for each face, then the
        voices.
    """
    sounds = {heard.tracklet: heard for heard in sound.faces}
    count = len(faces.faces)
    seen = [
        Candidate(Kind.FACE, base, face, sounds.get(face.tracklet))
        for face, base in zip(faces.faces, geometric.detections[:count], strict=True)
    ]
    return seen + [Candidate(Kind.VOICE, base) for base in geometric.detections[count:]]


def candidate_arrays(
    candidates: Sequence[Candidate], sound: AcousticMap, rig: Rig, image: np.ndarray | None
) -> CandidateArrays:
    """Measure candidates.

    Parameters
    ----------
    candidates : sequence of Candidate
    sound : AcousticMap
    rig : Rig
    image : np.ndarray or None, shape (height, width, 3), uint8
        Blue, green, red; without it, or without a box in it, a candidate has no picture.
    """
    count = len(candidates)
    crops = np.zeros((count, CROP_SIZE, CROP_SIZE, 3), np.uint8)
    maps = np.zeros((count, MAP_SIZE, MAP_SIZE), np.float32)
    sight = np.zeros((count, SIGHT_FEATURES), np.float32)
    heard = np.zeros((count, SOUND_FEATURES), np.float32)
    for row, candidate in enumerate(candidates):
        frame = SightFrame.towards(rig.camera, candidate.base.position)
        pictured = image is not None and in_picture(candidate.base.box, rig)
        if pictured:
            crops[row] = head_crop(image, candidate.base.box)
        maps[row] = _map_of(candidate, sound, rig)
        sight[row] = sight_features(candidate, frame, rig, pictured)
        heard[row] = sound_features(candidate, frame, sound, rig)
    return CandidateArrays(crops, maps, sight, heard, global_map(sound))


def in_picture(box: np.ndarray | None, rig: Rig) -> bool:
    """Tell whether the centre of a box is in the image."""
    return box is not None and bool(rig.camera.contains(box_centre(box)))


def head_crop(image: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Cut out head and shoulders about a face box, shape (CROP_SIZE, CROP_SIZE, 3)."""
    centre = box_centre(box) + np.array([0.0, CROP_DROP * box[3]])
    return square_crop(image, centre, CROP_SIDE * box[3], CROP_SIZE)


def global_map(sound: AcousticMap) -> np.ndarray:
    """Bring the global map to its size, shape GLOBAL_MAP_SIZE."""
    rows, columns = GLOBAL_MAP_SIZE
    if not sound.values.size:
        return np.zeros(GLOBAL_MAP_SIZE, np.float32)
    values = np.ascontiguousarray(sound.values, np.float32)
    resized = cv2.resize(values, (columns, rows), interpolation=cv2.INTER_AREA)
    return resized / strongest_coherence(sound)


def strongest_coherence(sound: AcousticMap) -> float:
    """Coherence of the strongest sound of an image, that of silence at least."""
    scores = [peak.score for peak in sound.peaks] + [heard.peak for heard in sound.faces]
    return max(_LEAST_COHERENCE, float(sound.values.max(initial=0.0)), *scores)


def _map_of(candidate: Candidate, sound: AcousticMap, rig: Rig) -> np.ndarray:
    """Enhanced map of a face; else the global map over the box."""
    if candidate.sound is not None:
        values = np.ascontiguousarray(candidate.sound.values, np.float32)
        return cv2.resize(values, (MAP_SIZE, MAP_SIZE)) / strongest_coherence(sound)
    if not in_picture(candidate.base.box, rig) or not sound.values.size:
        return np.zeros((MAP_SIZE, MAP_SIZE), np.float32)
    return coherence_over(sound, candidate.base.box, MAP_SIZE) / strongest_coherence(sound)


def coherence_over(sound: AcousticMap, box: np.ndarray, size: int) -> np.ndarray:
    """Sample the global map over a box, shape (size, size), float32.

    Parameters
    ----------
    sound : AcousticMap
        With a global map.
    box : np.ndarray, shape (4,)
        Left, top, width, height (pixels).
    size : int
        Points along each side.
    """
    left, top, width, height = box
    middles = (np.arange(size) + 0.5) / size
    # The inverse of geometry.grid.image_grid.
    columns = ((left + width * middles + 0.5) / sound.pitch - 0.5).astype(np.float32)
    rows = ((top + height * middles + 0.5) / sound.pitch - 0.5).astype(np.float32)
    values = np.ascontiguousarray(sound.values, np.float32)
    grid = np.meshgrid(columns, rows)
    return cv2.remap(values, *grid, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def sight_features(
    candidate: Candidate, frame: SightFrame, rig: Rig, pictured: bool
) -> np.ndarray:
    """Return the visual features of a candidate, without the picture.

    Parameters
    ----------
    candidate : Candidate
    frame : SightFrame
        Towards the position of the candidate.
    rig : Rig
    pictured : bool
        Whether there is a picture of it.

    Returns
    -------
    np.ndarray, shape (SIGHT_FEATURES,), float32
        Whether it is pictured; picture that is left beside its box, to the left, above, to the
        right, below (-1..1 face heights); deviations across and along; kind (3); score of the
        face, its box as detected (centre (2) in and log width by its own height) and landmarks
        (10) relative to the box; time unseen.
    """
    base, face = candidate.base, candidate.face
    shape, marks = np.zeros(3), np.zeros(10)
    if face is not None and base.box is not None:
        centre, height = box_centre(base.box), base.box[3]
        shape[:2] = (box_centre(face.box) - centre) / height
        shape[2] = np.log(face.box[2] / face.box[3])
        if face.landmarks is not None:
            marks = ((face.landmarks - centre) / height).ravel()
    return np.concatenate(
        [
            [pictured],
            _margins(base.box, rig) if pictured else np.zeros(4),
            np.log(frame.deviations(base.covariance)),
            np.eye(len(Kind))[candidate.kind],
            [0.0 if face is None else face.score],
            np.clip(shape, -2, 2),
            np.clip(marks, -2, 2),
            [min(candidate.unseen, _LONGEST_UNSEEN) / _LONGEST_UNSEEN],
        ]
    ).astype(np.float32)


def _margins(box: np.ndarray, rig: Rig) -> np.ndarray:
    """Picture left on each side of a box (its heights), shape (4,): who is cut by the border."""
    ends = np.concatenate([box[:2], np.array(rig.camera.size) - box[:2] - box[2:]])
    return np.clip(ends / box[3], -1, 1)


def sound_features(
    candidate: Candidate, frame: SightFrame, sound: AcousticMap, rig: Rig
) -> np.ndarray:
    """Return the acoustic features of a candidate, without the map.

    Parameters
    ----------
    candidate : Candidate
    frame : SightFrame
        Towards the position of the candidate.
    sound : AcousticMap
    rig : Rig

    Returns
    -------
    np.ndarray, shape (SOUND_FEATURES,), float32
        Coverage of the window, share of dead microphones; log-odds that the candidate speaks, by
        geometry; of the coherence inside the box whether there is any, peak, mean, log-odds of
        speech, range relative to that by sight and its deviation; of each of the nearest peaks
        whether there is one, offset (face heights across (2), deviations along), coherence,
        log-odds of speech, and deviation across.
    """
    own, strongest = np.zeros(6), strongest_coherence(sound)
    if candidate.sound is not None:
        heard = candidate.sound
        ratio = math.log(heard.range / frame.range)
        own = np.array(
            [
                1.0,
                heard.peak / strongest,
                heard.mean / strongest,
                _scaled_log_odds(heard.speech),
                min(max(ratio, -_LARGEST_RATIO), _LARGEST_RATIO),
                math.log(heard.range_std / heard.range),
            ]
        )
    dead = len(sound.dead_channels) / len(rig.microphones.positions)
    return np.concatenate(
        [
            [sound.coverage, dead, _scaled_log_odds(candidate.base.speaking)],
            own,
            _nearest_peaks(candidate, frame, sound, strongest, rig).ravel(),
        ]
    ).astype(np.float32)


def _nearest_peaks(
    candidate: Candidate, frame: SightFrame, sound: AcousticMap, strongest: float, rig: Rig
) -> np.ndarray:
    """Describe the peaks nearest to a line of sight, shape (PEAKS, 7).

    Microphones close together hear a direction and hardly a range: seen from a camera that is
    elsewhere, such a peak would lie beside the line of sight of who speaks. Given the range of the
    candidate (scalar update of a Gaussian) it lies on it.
    """
    table = np.zeros((PEAKS, 7))
    if not sound.peaks:
        return table
    places = rig.target_from_array @ np.array([peak.position for peak in sound.peaks])
    spreads = np.array([peak.covariance for peak in sound.peaks])
    spreads = rig.target_from_array.rotate_covariance(spreads)
    known = frame.deviations(candidate.base.covariance)[1]
    moved, left = frame.at_range(places, spreads, known)
    ranges = np.linalg.norm(np.stack([places, moved]) - frame.centre, axis=-1)
    along = frame.deviations(spreads)[:, 1] * frame.range / ranges[0]
    offset = frame.offset(moved)
    offset[:, 2] = np.log(ranges[0] / frame.range) / np.hypot(along, known)
    rows = np.empty((len(places), 7))
    rows[:, 0] = 1.0
    rows[:, 1:4] = np.clip(offset, -_REACH, _REACH)
    rows[:, 4] = [peak.score / strongest for peak in sound.peaks]
    rows[:, 5] = [_scaled_log_odds(peak.speech) for peak in sound.peaks]
    rows[:, 6] = np.log(frame.deviations(left)[:, 0] * frame.range / ranges[1])
    nearest = np.argsort(np.hypot(rows[:, 1], rows[:, 2]), kind='stable')[:PEAKS]
    table[: len(nearest)] = rows[nearest]
    return table


def _scaled_log_odds(probability: float) -> float:
    kept = min(max(probability, 1e-3), 1 - 1e-3)
    return log_odds(kept) / _LOGIT_SCALE
