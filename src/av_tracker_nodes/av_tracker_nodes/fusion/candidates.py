# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Candidates for people and all that is measured of them: what the networks are given.

The same code serves training and running. A candidate is a detected face, a voice that no face
explains, or a head that was there a moment ago and that the face detector no longer finds. Each
carries what geometry alone makes of it, which the networks refine.
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
SIGHT_FEATURES, SOUND_FEATURES = 24, 31
"""Numbers that a network is given of a candidate beside picture and map."""
PREDICTED = 8
"""Numbers that a network says of a candidate."""

_COHERENCE_SCALE = 4.0
_LOGIT_SCALE = 5.0
_REACH = np.array([4.0, 4.0, 1.0])
"""Offsets of peaks are cut there (face heights across, log range)."""
_LONGEST_UNSEEN = 3.0


class Kind(IntEnum):
    """Why somebody may be there."""

    FACE = 0
    VOICE = 1
    MEMORY = 2


@dataclass(frozen=True)
class Candidate:
    """Somebody who may be there.

    Attributes
    ----------
    kind : Kind
    base : Detection
        What geometry alone makes of it, in the target frame.
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
        Coherence over the face box, enhanced where the candidate is a face.
    sight : np.ndarray, shape (n, SIGHT_FEATURES), float32
        See `sight_features`.
    sound : np.ndarray, shape (n, SOUND_FEATURES), float32
        See `sound_features`.
    global_map : np.ndarray, shape GLOBAL_MAP_SIZE, float32
        Coherence over the whole picture.
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
        What `GeometricFusion` makes of both: a detection for each face, then the voices.
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
    return _COHERENCE_SCALE * cv2.resize(values, (columns, rows), interpolation=cv2.INTER_AREA)


def _map_of(candidate: Candidate, sound: AcousticMap, rig: Rig) -> np.ndarray:
    """Enhanced map of a face; else the global map over the box."""
    if candidate.sound is not None:
        values = np.ascontiguousarray(candidate.sound.values, np.float32)
        return _COHERENCE_SCALE * cv2.resize(values, (MAP_SIZE, MAP_SIZE))
    if not in_picture(candidate.base.box, rig) or not sound.values.size:
        return np.zeros((MAP_SIZE, MAP_SIZE), np.float32)
    return coherence_over(sound, candidate.base.box, MAP_SIZE)


def coherence_over(sound: AcousticMap, box: np.ndarray, size: int) -> np.ndarray:
    """Sample the global map over a box, shape (size, size), float32, scaled for networks.

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
    return _COHERENCE_SCALE * cv2.remap(
        values, *grid, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


def sight_features(
    candidate: Candidate, frame: SightFrame, rig: Rig, pictured: bool
) -> np.ndarray:
    """Describe what is seen of a candidate, but for the picture.

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
        Centre of the box (-1..1 over the image), log of its height, whether it is pictured; log
        range, its deviation and the share of it that rests on the size of heads; the deviation
        across; kind (3); whether there is a face, its score and landmarks (10) relative to the
        box; time unseen.
    """
    base, face = candidate.base, candidate.face
    across, along = frame.deviations(base.covariance)
    width, height = rig.camera.size
    box = base.box if pictured else None
    place = np.zeros(3)
    if box is not None:
        place[:2] = 2 * box_centre(box) / [width, height] - 1
        place[2] = np.log(box[3] / height) + 2
    marks = np.zeros(10)
    if face is not None and face.landmarks is not None and base.box is not None:
        marks = ((face.landmarks - box_centre(base.box)) / base.box[3]).ravel()
    return np.concatenate(
        [
            place,
            [pictured, np.log(frame.range), np.log(along), base.size_gain, np.log(across)],
            np.eye(len(Kind))[candidate.kind],
            [face is not None, 0.0 if face is None else face.score],
            np.clip(marks, -2, 2),
            [min(candidate.unseen, _LONGEST_UNSEEN) / _LONGEST_UNSEEN],
        ]
    ).astype(np.float32)


def sound_features(
    candidate: Candidate, frame: SightFrame, sound: AcousticMap, rig: Rig
) -> np.ndarray:
    """Describe what is heard about a candidate, but for the map.

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
        Coverage of the window, share of dead microphones, number of peaks; log-odds that the
        candidate speaks, by geometry; of the coherence inside the box whether there is any, peak,
        mean, log-odds of speech, range and its deviation; of each of the nearest peaks whether
        there is one, offset (3), coherence, log-odds of speech, and deviation across.
    """
    own = np.zeros(6)
    if candidate.sound is not None:
        heard = candidate.sound
        own = np.array(
            [
                1.0,
                _COHERENCE_SCALE * heard.peak,
                _COHERENCE_SCALE * heard.mean,
                _log_odds(heard.speech),
                np.log(heard.range / frame.range),
                np.log(heard.range_std / heard.range),
            ]
        )
    microphones = len(rig.microphones.positions)
    return np.concatenate(
        [
            [sound.coverage, len(sound.dead_channels) / microphones, len(sound.peaks) / 4],
            [_log_odds(candidate.base.speaking)],
            own,
            _nearest_peaks(frame, sound, rig).ravel(),
        ]
    ).astype(np.float32)


def _nearest_peaks(frame: SightFrame, sound: AcousticMap, rig: Rig) -> np.ndarray:
    """Describe the peaks nearest to a line of sight, shape (PEAKS, 7)."""
    table = np.zeros((PEAKS, 7))
    if not sound.peaks:
        return table
    places = rig.target_from_array @ np.array([peak.position for peak in sound.peaks])
    spreads = np.array([peak.covariance for peak in sound.peaks])
    rows = np.empty((len(places), 7))
    rows[:, 0] = 1.0
    rows[:, 1:4] = np.clip(frame.offset(places), -_REACH, _REACH)
    rows[:, 4] = [_COHERENCE_SCALE * peak.score for peak in sound.peaks]
    rows[:, 5] = [_log_odds(peak.speech) for peak in sound.peaks]
    rows[:, 6] = np.log(frame.deviations(rig.target_from_array.rotate_covariance(spreads))[:, 0])
    nearest = np.argsort(np.hypot(rows[:, 1], rows[:, 2]), kind='stable')[:PEAKS]
    table[: len(nearest)] = rows[nearest]
    return table


def _log_odds(probability: float) -> float:
    kept = min(max(probability, 1e-3), 1 - 1e-3)
    return math.log(kept / (1 - kept)) / _LOGIT_SCALE
