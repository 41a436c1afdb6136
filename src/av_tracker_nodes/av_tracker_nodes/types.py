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

"""What the stages say to each other: the ROS-free twins of the messages.

Stamps are integer nanoseconds. Boxes are ``(left, top, width, height)`` in 0-based pixels.
Arrays of the acoustic stage are in the array frame, detections and tracks in the target frame.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import IntEnum, IntFlag

import numpy as np

NANOSECONDS = 1_000_000_000


def to_nanoseconds(seconds: float) -> int:
    """Return a time in seconds as integer nanoseconds, rounded to the nearest."""
    return round(seconds * NANOSECONDS)


def samples_to_nanoseconds(count: int, rate: int) -> int:
    """Return when a sample is taken after sample 0 (ns), rounded down.

    The only place where samples become time: stamps that are counted from one origin differ by
    exactly the durations between them, however far they count.

    Parameters
    ----------
    count : int or np.ndarray of int
        Index of the sample.
    rate : int
        Samples a second.
    """
    return count * NANOSECONDS // rate


def to_seconds(stamp: int) -> float:
    """Return a stamp in nanoseconds as seconds."""
    return stamp / NANOSECONDS


def log_odds(probability: float) -> float:
    """Logarithm of the odds of a probability."""
    return float(np.log(probability / (1 - probability)))


JUMP = to_nanoseconds(0.5)
"""A stream that falls back by more than this has started anew (ns); less is disorder."""

TOLD_AGAIN = to_nanoseconds(30.0)
"""What is older than this (ns) is not told again to who starts late: it is another recording."""


class Modality(IntFlag):
    """Which senses support a detection or a track."""

    NONE = 0
    VISUAL = 1
    AUDIO = 2
    BOTH = 3


class TrackState(IntEnum):
    """Life of a track."""

    TENTATIVE = 0
    CONFIRMED = 1
    COASTING = 2


@dataclass(frozen=True)
class AudioBlock:
    """Consecutive samples of one sound card.

    Attributes
    ----------
    stamp : int
        Capture time of the first sample (ns).
    first_sample : int
        Index of the first sample since capture began, lost samples included.
    rate : int
        Sampling rate (Hz).
    samples : np.ndarray, shape (n, channels), float32
        Samples in [-1, 1].
    """

    stamp: int
    first_sample: int
    rate: int
    samples: np.ndarray

    @property
    def next_sample(self) -> int:
        """Index after the last sample."""
        return self.first_sample + len(self.samples)

    @property
    def end(self) -> int:
        """Capture time of the sample after the last one (ns): where the next block begins."""
        return self.time_of(self.next_sample)

    @property
    def last_stamp(self) -> int:
        """Capture time of the last sample (ns): when recordings log the block."""
        return self.time_of(self.next_sample - 1)

    @property
    def duration(self) -> int:
        """Time from the first sample to that after the last one (ns)."""
        return self.end - self.stamp

    def time_of(self, sample: int) -> int:
        """Return the capture time (ns) of a sample of the stream, by its index."""
        first = samples_to_nanoseconds(self.first_sample, self.rate)
        return self.stamp + samples_to_nanoseconds(sample, self.rate) - first


@dataclass(frozen=True)
class ImageFrame:
    """An image, blue-green-red, shape (height, width, 3), uint8, with its capture time (ns)."""

    stamp: int
    image: np.ndarray


@dataclass(frozen=True)
class UnreadableImage:
    """An image that came but cannot be used: its capture time (ns), and the reason."""

    stamp: int
    reason: str


@dataclass(frozen=True)
class Face:
    """A detected face.

    Attributes
    ----------
    box : np.ndarray, shape (4,)
        Left, top, width, height (pixels).
    score : float
        Detector confidence, 0..1.
    landmarks : np.ndarray or None, shape (5, 2)
        Right eye, left eye, nose, right and left mouth corner (pixels), the person's own right.
    tracklet : int
        Short-term identity, from image overlap alone; 0 before the tracklets are assigned.
    embedding : np.ndarray or None, shape (n,)
        Appearance of face and upper body, unit length.
    range : float
        Distance from the camera (m) where it was measured, by a depth image; else NaN.
    lips : float
        Log-likelihood ratio of how the mouth moves: of somebody who speaks, to somebody who does
        not. NaN where the picture does not tell.
    """

    box: np.ndarray
    score: float
    landmarks: np.ndarray | None = None
    tracklet: int = 0
    embedding: np.ndarray | None = None
    range: float = float('nan')
    lips: float = float('nan')


@dataclass(frozen=True)
class FaceFrame:
    """All faces of the image taken at `stamp`; `image_size` is (width, height).

    Where none were looked for, `is_searched` is False: that there are none tells nothing.
    """

    stamp: int
    image_size: tuple[int, int]
    faces: tuple[Face, ...] = ()
    is_searched: bool = True


@dataclass(frozen=True)
class AcousticPeak:
    """A maximum of the coherence field.

    Attributes
    ----------
    position : np.ndarray, shape (3,)
        Metres, array frame.
    covariance : np.ndarray, shape (3, 3)
        Square metres; large along the direction when the geometry does not tell the range.
    direction : np.ndarray, shape (3,)
        Unit vector from the centre of the microphones.
    score : float
        Coherence at the peak, mean over microphone pairs.
    speech : float
        Probability that the sound is speech, 0..1.
    evidence : float
        Coherence that this rests on; NaN where that is not known, as in a message.
    """

    position: np.ndarray
    covariance: np.ndarray
    direction: np.ndarray
    score: float
    speech: float
    evidence: float = float('nan')


@dataclass(frozen=True)
class FaceSound:
    """The coherence field inside one face box.

    Attributes
    ----------
    tracklet : int
        Of the face.
    values : np.ndarray, shape (rows, columns), float32
        Enhanced map over the box.
    peak, mean : float
        Maximum over box and range (AVCLNet eq 3) and mean at the range of the peak (eq 4).
    position : np.ndarray, shape (3,)
        Of the maximum (m, array frame).
    range, range_std : float
        Distance of the maximum from the camera (m); the deviation is large where sound does not
        tell the range.
    speech : float
        Probability that this face speaks, from the current frame alone.
    """

    tracklet: int
    values: np.ndarray
    peak: float
    mean: float
    position: np.ndarray
    range: float
    range_std: float
    speech: float


@dataclass(frozen=True)
class AcousticMap:
    """Where sound comes from at the time of an image.

    Attributes
    ----------
    stamp : int
        Of the image, or the audio instant when there is none (ns).
    audio_stamp : int
        End of the audio frame that the map was taken from (ns).
    measure : str
        What it shows, by name.
    values : np.ndarray, shape (rows, columns), float32
        Global map on the image grid, mean over microphone pairs, at the depth of the peak; without
        a camera of shape (0, 0).
    pitch : float
        Pixels from one map point to the next; 0 without a camera.
    depth : float
        Metres along the optical axis of the slice that holds the peak; NaN without a camera.
    coverage : float
        Share of the audio window that was received.
    dead_channels : tuple of int
        Microphones left out.
    peaks : tuple of AcousticPeak
        All directions, best first.
    faces : tuple of FaceSound
        One a face, in the order of the faces.
    from_image : bool
        False when audio alone set the stamp.
    """

    stamp: int
    audio_stamp: int
    measure: str
    values: np.ndarray
    pitch: float
    depth: float
    coverage: float
    dead_channels: tuple[int, ...] = ()
    peaks: tuple[AcousticPeak, ...] = ()
    faces: tuple[FaceSound, ...] = ()
    from_image: bool = True

    @classmethod
    def blank(
        cls,
        stamp: int,
        measure: str,
        from_image: bool = True,
        coverage: float = 0.0,
        faces: tuple[FaceSound, ...] = (),
    ) -> AcousticMap:
        """Return the map of a stamp (ns) at which nothing tells where sound comes from."""
        nothing, nowhere = np.zeros((0, 0), np.float32), float('nan')
        return cls(
            stamp,
            stamp,
            measure,
            nothing,
            0.0,
            nowhere,
            coverage,
            faces=faces,
            from_image=from_image,
        )

    def silenced(self) -> AcousticMap:
        """Return the map as it is when no sound was received."""
        silence = np.zeros_like(self.values)
        return replace(self, values=silence, coverage=0.0, peaks=(), faces=())

    @property
    def is_heard(self) -> bool:
        """Whether most of the audio window was received."""
        return self.coverage >= 0.5

    @property
    def peak(self) -> float:
        """Maximum of the global map."""
        return float(self.values.max()) if self.values.size else 0.0

    @property
    def mean(self) -> float:
        """Mean of the global map."""
        return float(self.values.mean()) if self.values.size else 0.0


PROVES_NOBODY = 0.5
"""Sights of up to this quality may be of somebody who is known, and are evidence of nobody."""


@dataclass(frozen=True)
class Detection:
    """One person as one frame tells.

    Attributes
    ----------
    position : np.ndarray, shape (3,)
        Mouth (m, target frame).
    covariance : np.ndarray, shape (3, 3)
        Everything included (m^2).
    modalities : Modality
        Seen, heard or both.
    box : np.ndarray or None, shape (4,)
        Face of 0.15 m x 0.20 m at the position, in the image.
    size_gain : float
        Share of the range that rests on the assumed size of heads, 0..1: that part of the error
        stays the same for one person.
    quality, speaking : float
        0..1.
    delay : float
        Seconds that the position is older than the stamp: sound is heard over a while.
    tracklet : int
        Of the face, 0 without one.
    embedding : np.ndarray or None, shape (n,)
        Appearance, unit length.
    """

    position: np.ndarray
    covariance: np.ndarray
    modalities: Modality
    box: np.ndarray | None = None
    size_gain: float = 0.0
    quality: float = 1.0
    speaking: float = 0.0
    delay: float = 0.0
    tracklet: int = 0
    embedding: np.ndarray | None = None


@dataclass(frozen=True)
class DetectionFrame:
    """All detections of one stamp (ns).

    `without` are the senses that told nothing: no faces were looked for, no sound came. Whom they
    do not show may be there all the same.
    """

    stamp: int
    detections: tuple[Detection, ...] = ()
    from_image: bool = True
    without: Modality = Modality.NONE


@dataclass(frozen=True)
class Track:
    """A person over time, as published.

    Attributes
    ----------
    id : int
        Never 0, never used twice.
    state : TrackState
    position, velocity : np.ndarray, shape (3,)
        Mouth (m) and its speed (m/s), target frame.
    covariance : np.ndarray, shape (6, 6)
        Of position and velocity together.
    box : np.ndarray or None, shape (4,)
        Face of 0.15 m x 0.20 m at the position; None where the head is not in the picture.
    speaking : float
        Probability, 0..1.
    is_speaking : bool
        The same with hysteresis.
    existence : float
        Probability, 0..1.
    modalities : Modality
        That supported the track in this cycle.
    born, last_audio, last_visual : int
        Stamps (ns); 0 for never.
    """

    id: int
    state: TrackState
    position: np.ndarray
    velocity: np.ndarray
    covariance: np.ndarray
    box: np.ndarray | None
    speaking: float
    is_speaking: bool
    existence: float
    modalities: Modality
    born: int
    last_audio: int = 0
    last_visual: int = 0


@dataclass(frozen=True)
class TrackFrame:
    """Everybody known at one stamp (ns), nobody included."""

    stamp: int
    tracks: tuple[Track, ...] = field(default=())
    from_image: bool = True
