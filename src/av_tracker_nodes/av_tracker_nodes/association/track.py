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

"""One person over time: motion, evidence, and speaking."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from av_tracker_nodes.association.absent import AbsentPerson
from av_tracker_nodes.association.config import TrackerConfig
from av_tracker_nodes.association.cost import NO_BOX, are_comparable
from av_tracker_nodes.association.existence import Existence, is_face
from av_tracker_nodes.association.kalman import HeadFilter, Measurement
from av_tracker_nodes.association.speaking import SpeakingFilter
from av_tracker_nodes.association.visibility import Place
from av_tracker_nodes.geometry import Camera
from av_tracker_nodes.geometry.head import box_centre, visible_box
from av_tracker_nodes.types import Detection, Modality, Track, TrackState, to_seconds

_GROSS_RANGE = 0.3
"""Relative error of the range of a face that still leaves it the same person."""
_SECOND_STD = 0.3
"""Directions that a voice tells less exactly than this (m), beside the range, do not average
out (training and validation scenes)."""
_GLIMPSE = 0.2
"""A face that is missed for no longer than this (s) still counts as seen."""


class PersonTrack:
    """A track inside the tracker; :meth:`published` returns its public form.

    Parameters
    ----------
    id : int
    detection : Detection
        That starts it.
    stamp : int
        Of the detection (ns).
    config : TrackerConfig
    viewpoint : np.ndarray or None, shape (3,)
        Optical centre of the camera (m); None while it is not known.
    """

    def __init__(
        self,
        id: int,
        detection: Detection,
        stamp: int,
        config: TrackerConfig,
        viewpoint: np.ndarray | None,
    ) -> None:
        self.id = id
        self.born = stamp
        self.confirmed = False
        self.last_audio = self.last_visual = 0
        self.seen_for = self.heard_for = 0.0
        self.existence = Existence(_trust(detection), bool(detection.modalities & Modality.VISUAL))
        self.modalities = Modality.NONE
        self.matched = True
        self.tracklet = detection.tracklet
        self.embedding = detection.embedding
        self._config = config
        self._filter = HeadFilter(_measurement(detection, viewpoint), *_motion(config))
        self._speaking = SpeakingFilter(*_speaking(config))
        self._previous = detection
        self._note_evidence(detection, stamp)

    @property
    def position(self) -> np.ndarray:
        """Mouth (m), shape (3,)."""
        return self._filter.position

    @property
    def place(self) -> Place:
        """Mouth, and how uncertain it is."""
        return Place(self.position, self._filter.covariance[:3, :3])

    def absent(self) -> AbsentPerson:
        """Return the memory of a person who leaves."""
        return AbsentPerson(
            self.id, self.born, self.last_place, self.last_evidence, self.embedding
        )

    @property
    def last_evidence(self) -> int:
        """Stamp of the newest detection of either sense (ns)."""
        return max(self.last_audio, self.last_visual)

    @property
    def is_seen(self) -> bool:
        """Whether a head was seen in this cycle."""
        return bool(self.modalities & Modality.VISUAL)

    @property
    def ever_seen(self) -> bool:
        """Whether a face has ever supported the track."""
        return self.last_visual > 0

    def reconfigure(self, config: TrackerConfig) -> None:
        """Go on with other numbers."""
        self._config = config
        self._filter.set_motion(*_motion(config))
        self._speaking.set_limits(*_speaking(config))

    def predict(self, stamp: int, seconds: float) -> None:
        """Let `seconds` pass until `stamp` (ns)."""
        unseen_for = to_seconds(stamp - self.last_visual)
        self.existence.predict(seconds)
        self._filter.predict(seconds, seen=unseen_for <= _GLIMPSE or not self.ever_seen)

    def await_evidence(self) -> None:
        """Begin a cycle with evidence from at least one sense."""
        self.matched = False
        self.modalities = Modality.NONE

    def reference_box(self, camera: Camera | None) -> np.ndarray:
        """Box that detections are compared with, shape (4,): predicted or previous."""
        box = self._previous.box if self._uses_previous else self._box(camera)
        return NO_BOX if box is None else box

    def compare(self, detection: Detection, measured: Measurement) -> tuple[float, float, float]:
        """Return the distance (m) of a detection, its squared Mahalanobis distance, its surprise.

        The first is to where the detection of this person should be, or to the previous one, as
        the configuration asks; the others always to where it should be, with `measured` what
        `with_doubt` makes of the detection. See `HeadFilter.innovation`.
        """
        difference, squared, surprise = self._filter.innovation(measured)
        if self._uses_previous:
            difference = detection.position - self._previous.position
        return float(np.linalg.norm(difference)), squared, surprise

    @property
    def _uses_previous(self) -> bool:
        return self._config.reference == 'previous'

    def update(
        self, detection: Detection, stamp: int, seconds: float, viewpoint: np.ndarray | None
    ) -> None:
        """Take in the detection that was assigned to this track.

        Parameters
        ----------
        detection : Detection
        stamp : int
            Nanoseconds.
        seconds : float
            Since the last cycle.
        viewpoint : np.ndarray or None, shape (3,)
            Optical centre of the camera (m); None while it is not known.
        """
        seen = bool(detection.modalities & Modality.VISUAL)
        config = self._config
        correlation = config.seen_correlation if seen else config.heard_correlation
        repeated = max(correlation / seconds, 1.0) if seconds > 0 else 1.0
        measured = _measurement(detection, viewpoint, repeated)
        if not seen:
            measured = _not_averaging_out(measured, detection.covariance)
        self._filter.update(measured)
        self._note_evidence(detection, stamp)
        if seen:
            self.existence.seen(detection.quality, seconds)
            if detection.modalities & Modality.AUDIO:
                self.existence.heard(detection.speaking, seconds)
            self.seen_for += seconds if is_face(detection.quality) else 0.0
        else:
            self.existence.heard(_trust(detection), seconds)
            self.heard_for += seconds if detection.quality >= config.birth_quality else 0.0
        self._speaking.update(detection.speaking, seconds)
        self._previous = detection

    def remember_face(self, detection: Detection, seconds: float) -> None:
        """Learn the face of this person from an unambiguous match.

        Its tracklet counts from now on, and its looks are averaged over the `seconds` since the
        last cycle. A face that is taken where people meet, before it is known whose it is, must
        not draw the track along when they part.
        """
        if detection.modalities & Modality.VISUAL:
            self.tracklet = detection.tracklet
        embedding = detection.embedding
        if embedding is None:
            return
        if are_comparable(self.embedding, embedding):
            fresh = 1 - np.exp(-seconds / self._config.appearance_memory)
            embedding = self.embedding + fresh * (embedding - self.embedding)
        self.embedding = embedding / np.linalg.norm(embedding)

    def miss(self, without: Modality, seconds: float) -> None:
        """Note a cycle without a detection for this track, in which some senses were absent."""
        if not self.ever_seen and Modality.AUDIO not in without:
            self.existence.unheard(seconds)
        self._speaking.update(0.0, seconds)

    def is_proven(self) -> bool:
        """Tell whether there is enough evidence to confirm the track.

        A face needs that its scores make it probable too: weak alarms can come for long.
        """
        config = self._config
        seen = self.seen_for >= config.confirm_seen
        probable = self.existence.probability >= config.confirm_existence
        return (seen and probable) or self.heard_for >= config.confirm_heard

    def is_lost(self, stamp: int) -> bool:
        """Tell whether the person has probably left, or had no evidence for too long."""
        if self.confirmed and self.existence.probability < self._config.lost_existence:
            return True
        if not self.confirmed:
            patience = self._config.tentative_patience
        elif self.ever_seen:
            patience = self._config.patience
        else:
            patience = self._config.voice_patience
        return to_seconds(stamp - self.last_evidence) > patience

    def published(self, camera: Camera | None) -> Track:
        """Make the immutable track that is sent out."""
        covariance = self._filter.covariance[:6, :6].copy()
        covariance[:3, :3] += self._config.systematic_std**2 * np.eye(3)
        return Track(
            id=self.id,
            state=self._state(),
            position=self.position.copy(),
            velocity=self._filter.velocity.copy(),
            covariance=covariance,
            box=self._box(camera),
            speaking=float(self._speaking.probability),
            is_speaking=bool(self._speaking.is_speaking),
            existence=self.existence.probability,
            modalities=self.modalities,
            born=self.born,
            last_audio=self.last_audio,
            last_visual=self.last_visual,
        )

    def _state(self) -> TrackState:
        if not self.confirmed:
            return TrackState.TENTATIVE
        return TrackState.CONFIRMED if self.matched else TrackState.COASTING

    def _box(self, camera: Camera | None) -> np.ndarray | None:
        if camera is None:
            return None
        box = visible_box(camera, self.position)
        return box if box is not None and camera.contains(box_centre(box)) else None

    def _note_evidence(self, detection: Detection, stamp: int) -> None:
        self.matched = True
        self.last_place = self.position.copy()
        self.modalities = detection.modalities
        if detection.modalities & Modality.AUDIO:
            self.last_audio = stamp
        if detection.modalities & Modality.VISUAL:
            self.last_visual = stamp


def _trust(detection: Detection) -> float:
    """How sure a detection is: a sight by its quality, a voice by its speech too."""
    if detection.modalities & Modality.VISUAL:
        return detection.quality
    return detection.quality * detection.speaking


def _motion(config: TrackerConfig) -> tuple[float, float, float, float]:
    """Numbers of the `HeadFilter`."""
    return (
        config.acceleration,
        config.vertical_share,
        config.velocity_memory,
        config.height_drift,
    )


def _speaking(config: TrackerConfig) -> tuple[float, float, float, float]:
    """Numbers of the `SpeakingFilter`."""
    return (
        config.speaking_attack,
        config.speaking_release,
        config.speaking_on,
        config.speaking_off,
    )


def with_doubt(detection: Detection, viewpoint: np.ndarray | None) -> Measurement:
    """Take a detection for no more than it surely is.

    The range of a face can be grossly off, as in profile, where its line of sight cannot. From an
    unknown viewpoint nobody knows which way that is.
    """
    if detection.modalities & Modality.VISUAL and viewpoint is not None:
        sight = detection.position - viewpoint
        doubt = _GROSS_RANGE**2 * np.outer(sight, sight)
        detection = replace(detection, covariance=detection.covariance + doubt)
    return _measurement(detection, viewpoint)


def _not_averaging_out(measured: Measurement, covariance: np.ndarray) -> Measurement:
    """Take the place of a voice for what it tells of somebody who is known already.

    Where not the range alone is uncertain, but a second direction as well, that is rather a
    prior, as the elevation of a flat array, and its error stays the same as long as person and
    room do: covariances grow by ``1 + (h / s)^6`` with h the second largest deviation of the
    place. The height at which somebody unseen is held then turns no elevation that hardly is one
    into a range; arrays that hear elevations keep the range that follows from them.
    """
    second = np.linalg.eigvalsh(covariance)[1]
    growth = 1 + (second / _SECOND_STD**2) ** 3
    return replace(measured, covariance=growth * measured.covariance)


def _measurement(
    detection: Detection, viewpoint: np.ndarray | None, repeated: float = 1.0
) -> Measurement:
    """Take a detection for one of `repeated` that share one error: each tells that much less.

    The share of the error that is the size of the head lies along the line of sight: from an
    unknown viewpoint it cannot be told from the rest.
    """
    measured = Measurement(
        detection.position, repeated * detection.covariance, delay=detection.delay
    )
    if viewpoint is None:
        return measured
    return replace(measured, size_gain=detection.size_gain, viewpoint=viewpoint)
