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

"""The acoustic stage: samples and faces in, acoustic maps out."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from av_tracker_nodes.acoustics.activity import UNHEARD, VoiceActivity, speech_probability
from av_tracker_nodes.acoustics.backend import choose_backend
from av_tracker_nodes.acoustics.config import AcousticConfig
from av_tracker_nodes.acoustics.face_listener import FaceListener
from av_tracker_nodes.acoustics.hearing import Heard, Hearing
from av_tracker_nodes.acoustics.image_map import ImageMap
from av_tracker_nodes.acoustics.measures import find_measure
from av_tracker_nodes.acoustics.one_microphone import OneMicrophoneStage
from av_tracker_nodes.acoustics.peaks import Survey
from av_tracker_nodes.acoustics.processed_channels import ChannelRelations
from av_tracker_nodes.acoustics.stream_format import StreamFormat
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import MicrophoneArray, Rig
from av_tracker_nodes.geometry.grid import image_grid
from av_tracker_nodes.geometry.ray_map import RayMap
from av_tracker_nodes.geometry.region import SourceRegion
from av_tracker_nodes.types import (
    AcousticMap,
    AcousticPeak,
    AudioBlock,
    FaceFrame,
    to_nanoseconds,
)

_NO_MAP = np.zeros((0, 0), np.float32)
"""Global map of a stage without a camera."""


@dataclass(frozen=True)
class _Mapped:
    """All that needs no faces at a stamp.

    Attributes
    ----------
    heard : Heard
    values : np.ndarray, shape (rows, columns), float32
        Global map, at `depth` (m).
    depth : float
    """

    heard: Heard
    values: np.ndarray
    depth: float


class AcousticStage:
    """Finds where sound comes from at the time of an image.

    The result depends on the stamps and the samples, not on when either arrived.

    Parameters
    ----------
    rig : Rig or MicrophoneArray
        Microphones alone need no camera: their maps have no pixels.
    measure : str
        What the maps show: one of `measures`.
    backend : str
        ``auto``, ``cuda`` or ``numba``.
    config : AcousticConfig

    Raises
    ------
    InputError
        If the measure or the backend is unknown, or no microphone pair can be formed.
    """

    def __init__(
        self,
        rig: Rig | MicrophoneArray,
        measure: str = 'vggcf',
        backend: str = 'auto',
        config: AcousticConfig | None = None,
    ) -> None:
        self.config = config or AcousticConfig()
        self._measure = find_measure(measure)
        self.measure = measure
        self.backend = choose_backend(backend)
        self._voice = VoiceActivity(self.config.voice_frames)
        self._rig: Rig | None = None
        self._hearing: Hearing | None = None
        self._rate: int | None = None
        self._sight: RayMap | None = None
        self.set_rig(rig)

    def set_rig(self, rig: Rig | MicrophoneArray) -> None:
        """Use another geometry; tables last while the microphones and the region of sound stay.

        Sound is mapped in the array frame: nothing changes where camera and array move together.
        """
        rig = Rig(None, rig) if isinstance(rig, MicrophoneArray) else rig
        if self._rig is not None and rig.has_moved_as_one(self._rig):
            self._hearing.stand(rig.up_in_array)
            return
        self._rig = rig
        self._ahead: _Mapped | None = None
        array, region = rig.microphones, SourceRegion.of(rig)
        if self._rate is not None:
            # The sound says itself which rate it has.
            array = replace(array, rate=self._rate)
        if self._hearing is None or not self._hearing.array.is_same(array):
            self._format = StreamFormat(int(array.channels.max()) + 1, array.rate)
            self._relations = ChannelRelations(array)
            self._hearing = Hearing(
                array, region, self._measure, self.backend, self._voice, self.config
            )
            self._faces = FaceListener(self._hearing, self._measure, self.config)
        elif not self._hearing.region.is_same(region):
            self._hearing.search_in(region)
        self._hearing.stand(rig.up_in_array)
        self._look_with(rig)

    def reconfigure(self, config: AcousticConfig) -> None:
        """Go on with other numbers, in the sound that is there; faces lose their history.

        Raises
        ------
        InputError
            If a number differs that is not live: nothing changes.
        """
        if config == self.config:
            return
        self.config.check_change(config)
        self.config = config
        self._hearing.reconfigure(config)
        self._faces = FaceListener(self._hearing, self._measure, config)
        self._ahead = None
        self._look_with(self._rig)

    def reset(self) -> None:
        """Forget all sound."""
        self._hearing.audio.reset()
        self._forget()

    def add(self, block: AudioBlock) -> bool:
        """Take samples in.

        Returns
        -------
        bool
            True if the stream has begun anew with them, or with another rate than before.

        Raises
        ------
        InputError
            If the block cannot be heard; see :class:`StreamFormat`.
        """
        retuned = self._format.changes(block)
        if retuned:
            self._retune(block.rate)
        if self._ahead is not None and block.first_sample < self._ahead.heard.context.end:
            # It fills a gap in what was prepared.
            self._ahead = None
            self._hearing.forget()
        self._relations.add(block.samples)
        restarted = self._hearing.audio.add(block)
        if restarted:
            self._forget()
        return restarted or retuned

    def intruders(self) -> dict[int, str]:
        """Channels that are no microphones, and why; see `processed_channels`."""
        return self._relations.intruders()

    def covers(self, stamp: int) -> bool:
        """Tell whether all samples before a time (ns) have come."""
        return self._hearing.audio.covers(stamp)

    def prepare(self, stamp: int) -> None:
        """Do the part of :meth:`process` that needs no faces; it does not have to be called.

        Parameters
        ----------
        stamp : int
            Of the image whose faces are awaited (ns), the sound before which has come.
        """
        if self.covers(stamp):
            self._ahead = self._map(self._hearing.audio.index_at(stamp))

    def listen(self, stamp: int) -> AcousticMap:
        """Find the sources of the sound that ends at a stamp (ns), without any image.

        Returns
        -------
        AcousticMap
            Its peaks have direction, position, covariance (array frame) and speech.
        """
        return self.process(FaceFrame(stamp, (0, 0)), from_image=False)

    def process(self, faces: FaceFrame, from_image: bool = True) -> AcousticMap:
        """Map the sound that ends at the stamp of an image.

        Parameters
        ----------
        faces : FaceFrame
            Of that image.
        from_image : bool
            False when no image came and the stamp is an instant of the sound.

        Returns
        -------
        AcousticMap

        Raises
        ------
        InputError
            There are faces, but no camera that saw them.
        """
        if faces.faces and self._camera is None:
            raise InputError('faces need a camera: give the acoustic stage a rig that has one')
        if self._hearing.audio.empty:
            return self._silence(faces, from_image)
        end = self._hearing.audio.index_at(faces.stamp)
        mapped = self._map(end)
        self._ahead = None
        heard = mapped.heard
        return AcousticMap(
            stamp=faces.stamp,
            audio_stamp=faces.stamp - to_nanoseconds(heard.age),
            measure=self.measure,
            values=mapped.values,
            pitch=self._pitch,
            depth=mapped.depth,
            coverage=self._hearing.coverage(end),
            dead_channels=tuple(np.flatnonzero(~heard.context.alive).tolist()),
            peaks=self._peaks(heard),
            faces=self._faces.listen(faces, self._sight, heard),
            from_image=from_image,
        )

    def _look_with(self, rig: Rig) -> None:
        self._camera = rig.camera_in_array
        points = self._hearing.points
        if self._camera is None:
            self._sight = self._image_map = None
            self._pitch = 0.0
            self._in_view = np.zeros(len(points), bool)
            return
        self._pitch = rig.camera.size[0] / self.config.columns
        self._sight = self._sight.follow(self._camera) if self._sight else RayMap(self._camera)
        shape = image_grid(rig.camera.size, self._pitch).shape[:2]
        self._image_map = ImageMap(
            self._hearing.delays,
            self._hearing.gcc,
            self._camera,
            shape,
            self._pitch,
        )
        pixels = self._camera.project(points)
        self._in_view = self._camera.contains(np.nan_to_num(pixels, nan=-1.0))

    def _retune(self, rate: int) -> None:
        """Hear sound of another rate, or of more or fewer channels, from now on."""
        format_ = self._format
        rig, self._rig = self._rig, None
        self._rate, self._hearing = rate, None
        self.set_rig(rig)
        self._format = format_

    def _forget(self) -> None:
        self._ahead = None
        self._hearing.forget()
        self._faces.forget()

    def _map(self, end: int) -> _Mapped:
        """Find the sources before a sample, and map the field; at once where it was prepared."""
        if self._ahead is not None and self._ahead.heard.context.end == end:
            return self._ahead
        heard = self._hearing.at(end, self._in_view)
        return _Mapped(heard, *self._global_map(heard.shown))

    def _global_map(self, view: Survey) -> tuple[np.ndarray, float]:
        """Map the slice at the depth of the peak in view (sGCF); nothing without a camera."""
        if self._camera is None:
            return _NO_MAP, float('nan')
        position = self._hearing.peak(view, self._in_view)
        depth = max(float(self._camera.depth(position)), self.config.min_range)
        return self._image_map(view.correlation, [depth])[0], depth

    def _peaks(self, heard: Heard) -> tuple[AcousticPeak, ...]:
        """Tell what each source is."""
        alive = int(heard.context.alive.sum())
        return tuple(
            AcousticPeak(
                source.position,
                source.covariance,
                source.direction,
                source.score,
                speech_probability(
                    source.evidence,
                    alive,
                    UNHEARD if number in heard.echoes else voice,
                    self.config.peak_speech,
                ),
                source.evidence,
            )
            for number, (source, voice) in enumerate(zip(heard.sources, heard.voices, strict=True))
        )

    def _silence(self, faces: FaceFrame, from_image: bool) -> AcousticMap:
        """Map of nothing, before any sound came."""
        return AcousticMap(
            stamp=faces.stamp,
            audio_stamp=faces.stamp,
            measure=self.measure,
            values=np.zeros(self._image_map.shape, np.float32) if self._camera else _NO_MAP,
            pitch=self._pitch,
            depth=self.config.min_range if self._camera else float('nan'),
            coverage=0.0,
            faces=self._faces.silence(faces, self._sight),
            from_image=from_image,
        )


def acoustic_stage(
    rig: Rig,
    measure: str = 'vggcf',
    backend: str = 'auto',
    config: AcousticConfig | None = None,
) -> AcousticStage | OneMicrophoneStage:
    """Make the stage for the microphones that there are, one or more; see `AcousticStage`."""
    if rig.tells_directions:
        return AcousticStage(rig, measure, backend, config)
    return OneMicrophoneStage(rig, measure, config)
