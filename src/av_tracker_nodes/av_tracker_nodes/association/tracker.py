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

"""The tracker: predict, match, update, give birth, forget."""

from __future__ import annotations

import logging
from collections.abc import Iterable

import numpy as np

from av_tracker_nodes.association.absent import AbsentPerson, recognised
from av_tracker_nodes.association.assignment import ASSIGNMENTS
from av_tracker_nodes.association.config import TrackerConfig
from av_tracker_nodes.association.cost import (
    NO_BOX,
    appearance_cost,
    dual_geometric_cost,
    kernel_width,
)
from av_tracker_nodes.association.track import PersonTrack, with_doubt
from av_tracker_nodes.association.visibility import visibility
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import Camera
from av_tracker_nodes.types import (
    JUMP,
    Detection,
    DetectionFrame,
    Modality,
    TrackFrame,
    to_seconds,
)

_logger = logging.getLogger(__name__)

_LEAST_VARIANCE = 1e-12
"""Nobody knows the position of a mouth to a micrometre (m^2)."""

_USUAL_DEPTH = 3.0
_SAME_PERSON = 0.25
"""Two mouths cannot be nearer than this (m)."""
_LATELY = 1.0
"""People who pass close to each other hide one another for no longer than this (s)."""


class SpeakerTracker:
    """Tracks people from detections under dual geometric constraints (AVCLNet, section 3.3).

    Parameters
    ----------
    config : TrackerConfig, optional
    """

    def __init__(self, config: TrackerConfig | None = None) -> None:
        self.config = config or TrackerConfig()
        self._next_id = 1
        self.reset()

    def reset(self) -> None:
        """Forget everybody; call when the recording changes. Ids go on."""
        self._tracks: list[PersonTrack] = []
        self._absent: list[AbsentPerson] = []
        self._stamp: int | None = None
        self._since_told = 0.0

    def reconfigure(self, config: TrackerConfig) -> None:
        """Change the configuration; it also applies to existing tracks."""
        self.config = config
        for track in self._tracks:
            track.reconfigure(config)

    @property
    def next_id(self) -> int:
        """Id that the next newcomer will have."""
        return self._next_id

    def people(self) -> list[AbsentPerson]:
        """All known people, in the form in which absent people are remembered."""
        return [*self._absent, *(track.absent() for track in self._tracks if track.confirmed)]

    def resume(self, people: Iterable[AbsentPerson], next_id: int) -> None:
        """Go on for a tracker that has ended: its people get their ids when they are found.

        Parameters
        ----------
        people : iterable of AbsentPerson
            Its `people`.
        next_id : int
            Its `next_id`.
        """
        self._absent, self._next_id = list(people), next_id

    def process(self, frame: DetectionFrame, camera: Camera | None = None) -> TrackFrame:
        """Take in the detections of one stamp.

        Parameters
        ----------
        frame : DetectionFrame
            In the target frame.
        camera : Camera or None
            Described in the target frame, at the stamp; without it tracks have no boxes, and the
            sizes of heads are not learnt.

        Returns
        -------
        TrackFrame
            Everybody known at that stamp, tentative tracks included. Where neither sense told
            anything they are predicted, and all else is as it was.

        Raises
        ------
        InputError
            The covariance of a detection is not positive definite; nothing of the frame is taken.
        """
        _check_covariances(frame)
        seconds = self._advance(frame.stamp)
        for track in self._tracks:
            track.predict(frame.stamp, seconds)
        self._since_told += seconds
        if frame.without != Modality.BOTH:
            self._learn(frame, camera, self._since_told)
            self._since_told = 0.0
        self._forget(frame.stamp)
        published = tuple(track.published(camera) for track in self._tracks)
        return TrackFrame(frame.stamp, published, frame.from_image)

    def _learn(self, frame: DetectionFrame, camera: Camera | None, seconds: float) -> None:
        """Take in what the senses tell, `seconds` after they did so before."""
        viewpoint = None if camera is None else camera.centre
        for track in self._tracks:
            track.await_evidence()
        unmatched = self._update(frame, camera, seconds, viewpoint)
        self._tracks += [self._birth(news, frame.stamp, viewpoint) for news in unmatched]
        self._merge()
        self._confirm(frame.stamp)

    def _advance(self, stamp: int) -> float:
        """Return the seconds since the last cycle, 0 at the first and in slight disorder."""
        if self._stamp is not None and self._stamp - stamp > JUMP:
            _logger.warning(
                'time fell back by more than %.1f s: all tracks are dropped', to_seconds(JUMP)
            )
            self.reset()
        seconds = 0.0 if self._stamp is None else max(to_seconds(stamp - self._stamp), 0.0)
        self._stamp = stamp if self._stamp is None else max(stamp, self._stamp)
        return seconds

    def _update(
        self,
        frame: DetectionFrame,
        camera: Camera | None,
        seconds: float,
        viewpoint: np.ndarray | None,
    ) -> list[Detection]:
        """Update the tracks by their detections; return the detections that are news."""
        detections = list(frame.detections)
        distance, squared, surprise = self._compare(detections, viewpoint)
        same_face = np.array(
            [[0 < t.tracklet == d.tracklet for d in detections] for t in self._tracks], bool
        ).reshape(distance.shape)
        near = same_face | (squared <= self.config.gate)
        cost = dual_geometric_cost(
            np.array([t.reference_box(camera) for t in self._tracks]).reshape(-1, 4),
            np.array([NO_BOX if d.box is None else d.box for d in detections]).reshape(-1, 4),
            distance,
            self.config.beta,
            kernel_width(self.config.sigma, self._scene_depth(detections, camera)),
        )
        cost = cost * np.where(same_face, 1 - self.config.continuity, 1.0)
        seen = np.array([bool(d.modalities & Modality.VISUAL) for d in detections], bool)
        # However well a weak sound fits, it may be the echo of a strong one.
        strength = np.where(seen, 1.0, [d.quality for d in detections])
        cost = 1 - strength * (1 - cost)
        unsure = _ambiguous(near & seen)
        looks = appearance_cost(
            [t.embedding for t in self._tracks], [d.embedding for d in detections]
        )
        cost = cost + self.config.appearance * np.where(unsure, looks, 0.0)
        matches = self._match(cost, near, seen, surprise)
        for i, j in matches:
            self._tracks[i].update(detections[j], frame.stamp, seconds, viewpoint)
            if not unsure[i, j]:
                self._tracks[i].remember_face(detections[j], seconds)
        for track in self._tracks:
            if not track.matched:
                track.miss(frame.without, seconds)
        if frame.from_image and Modality.VISUAL not in frame.without and camera is not None:
            self._note_unseen(camera, seconds)
        taken = {j for _, j in matches}
        return [
            detection
            for j, detection in enumerate(detections)
            # A second sound from somebody already known is no second person.
            if j not in taken and not (detection.modalities == Modality.AUDIO and near[:, j].any())
        ]

    def _note_unseen(self, camera: Camera, seconds: float) -> None:
        """Tell those who were seen before that this image does not show them."""
        shown = [t.place for t in self._tracks if t.confirmed and t.is_seen]
        for track in self._tracks:
            if track.ever_seen and not track.is_seen:
                visible = visibility(track.place, camera, shown)
                surely = self.config.follows_heads and not track.matched
                track.existence.unseen(visible, surely, seconds)

    def _match(
        self, cost: np.ndarray, near: np.ndarray, seen: np.ndarray, surprise: np.ndarray
    ) -> list[tuple[int, int]]:
        """Match faces first, then voices without a face to who is left.

        A voice takes part only if nobody who was just seen fits it better: what is near a face
        comes from that face. And it is nobody's who was seen while it was already heard.
        """
        assign = ASSIGNMENTS[self.config.assignment]
        faces = assign(cost, near & seen)
        left = near & ~seen & ~self._known_as_another(near, surprise)
        busy = [i for i, _ in faces]
        nearest_busy = np.where(left, cost, np.inf)[busy].min(axis=0, initial=np.inf)
        left &= cost < nearest_busy
        left[busy] = False
        return faces + assign(cost, left)

    def _known_as_another(self, near: np.ndarray, surprise: np.ndarray) -> np.ndarray:
        """Mark the pairs, shape (tracks, detections), of a person and a voice of another track.

        That track was there by sound alone before the person was last seen, and explains the voice
        better: a television that talks on is not somebody who goes out of view. A track of echoes,
        which could be anywhere, explains no voice well.
        """
        known = np.zeros(near.shape, bool)
        last_seen = np.array([track.last_visual for track in self._tracks], np.int64)
        for voice, track in enumerate(self._tracks):
            if track.confirmed and not track.ever_seen:
                before = (last_seen > track.born)[:, None]
                known |= before & near[voice] & (surprise[voice] < surprise)
        return known

    def _compare(
        self, detections: list[Detection], viewpoint: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Distances (m), squared Mahalanobis distances, surprises: each (tracks, detections)."""
        measured = [with_doubt(detection, viewpoint) for detection in detections]
        pairs = [
            track.compare(detection, surely)
            for track in self._tracks
            for detection, surely in zip(detections, measured, strict=True)
        ]
        table = np.array(pairs).reshape(len(self._tracks), len(detections), 3)
        return table[..., 0], table[..., 1], table[..., 2]

    def _scene_depth(self, detections: list[Detection], camera: Camera | None) -> float:
        """Depth of the scene (m): that of the farthest person in front of the camera."""
        places = [person.position for person in [*self._tracks, *detections]]
        if camera is None or not places:
            return _USUAL_DEPTH
        depth = float(camera.depth(np.array(places)).max())
        return depth if depth > 0 else _USUAL_DEPTH

    def _birth(
        self, detection: Detection, stamp: int, viewpoint: np.ndarray | None
    ) -> PersonTrack:
        track = PersonTrack(self._next_id, detection, stamp, self.config, viewpoint)
        self._next_id += 1
        return track

    def _merge(self) -> None:
        """Drop the younger of two tracks of one person, unless both were seen lately."""
        kept: list[PersonTrack] = []
        for track in sorted(self._tracks, key=lambda t: (not t.confirmed, t.born)):
            twin = any(
                np.linalg.norm(track.position - other.position) < _SAME_PERSON
                and not (self._seen_lately(track) and self._seen_lately(other))
                for other in kept
            )
            if not twin:
                kept.append(track)
        self._tracks = sorted(kept, key=lambda t: t.id)

    def _seen_lately(self, track: PersonTrack) -> bool:
        return track.ever_seen and to_seconds(self._stamp - track.last_visual) <= _LATELY

    def _confirm(self, stamp: int) -> None:
        for track in self._tracks:
            if not track.confirmed and track.is_proven():
                track.confirmed = True
                self._recognise(track, stamp)

    def _recognise(self, track: PersonTrack, stamp: int) -> None:
        """Give a newcomer the id of the likeliest of those absent within walking reach."""
        same = recognised(self._absent, track.position, track.embedding, stamp)
        if same is not None:
            self._absent.remove(same)
            track.id, track.born = same.id, same.born

    def _forget(self, stamp: int) -> None:
        gone = [track for track in self._tracks if track.is_lost(stamp)]
        self._tracks = [track for track in self._tracks if not track.is_lost(stamp)]
        self._absent = [
            person
            for person in [*self._absent, *(track.absent() for track in gone if track.confirmed)]
            if to_seconds(stamp - person.last_evidence) <= self.config.memory
        ]


def _ambiguous(near: np.ndarray) -> np.ndarray:
    """Mark the pairs, shape (tracks, faces), of which either side has another choice."""
    choices = near.sum(axis=1, keepdims=True) + near.sum(axis=0, keepdims=True)
    return near & (choices > 2)


def _check_covariances(frame: DetectionFrame) -> None:
    """Refuse covariances by which nothing can be weighed, such as zeros for unknown."""
    covariances = np.array([each.covariance for each in frame.detections]).reshape(-1, 3, 3)
    finite = np.isfinite(covariances).all()
    if not finite or (np.linalg.eigvalsh(covariances) < _LEAST_VARIANCE).any():
        raise InputError(
            f'a detection at {to_seconds(frame.stamp):.3f} s has a covariance that is not '
            'positive definite: say how uncertain its position is in every direction'
        )
