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

"""The acoustic stage of a single microphone: it tells that somebody speaks, not where."""

from __future__ import annotations

import numpy as np

from av_tracker_nodes.acoustics.activity import (
    BeamListener,
    VoiceActivity,
    speech_without_coherence,
)
from av_tracker_nodes.acoustics.buffer import StampedAudio
from av_tracker_nodes.acoustics.config import AcousticConfig
from av_tracker_nodes.acoustics.delays import PairDelays
from av_tracker_nodes.acoustics.faces import FaceVolume
from av_tracker_nodes.acoustics.measures import find_measure
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import MicrophoneArray, Rig
from av_tracker_nodes.geometry.ray_map import RayMap
from av_tracker_nodes.types import AcousticMap, AudioBlock, FaceFrame, FaceSound

_NO_PAIRS = np.zeros((0, 2), int)
_HELD = 2.0
"""How much sound is kept (s)."""


class OneMicrophoneStage:
    """Finds out whether somebody speaks at the time of an image.

    It has the interface of :class:`~av_tracker_nodes.acoustics.AcousticStage`, but its maps are
    blank and have no peaks: one microphone has no delays. Whoever is seen alone is taken for the
    one who speaks; of several, each is as probable as the others.

    Parameters
    ----------
    rig : Rig or MicrophoneArray
        With one microphone.
    measure : str
        Noted in the maps.
    config : AcousticConfig

    Raises
    ------
    InputError
        If the measure is unknown.
    """

    backend = 'numba'

    def __init__(
        self,
        rig: Rig | MicrophoneArray,
        measure: str = 'vggcf',
        config: AcousticConfig | None = None,
    ) -> None:
        self.measure = find_measure(measure).name
        self.config = config or AcousticConfig()
        self._voice = VoiceActivity(self.config.voice_frames)
        self._array: MicrophoneArray | None = None
        self._sight: RayMap | None = None
        self.set_rig(rig)

    def set_rig(self, rig: Rig | MicrophoneArray) -> None:
        """Use another geometry; sound lasts while the microphone stays."""
        rig = Rig(None, rig) if isinstance(rig, MicrophoneArray) else rig
        array = rig.microphones
        if self._array is None or not self._array.is_same(array):
            delays = PairDelays(array.positions, _NO_PAIRS, array.speed_of_sound)
            self._array = array
            self._audio = StampedAudio(int(array.channels.max()) + 1, array.rate, _HELD)
            self._beam = BeamListener(self._voice, array, delays)
        camera = rig.camera_in_array
        if camera is None:
            self._sight = None
        else:
            self._sight = self._sight.follow(camera) if self._sight else RayMap(camera)

    def reconfigure(self, config: AcousticConfig) -> None:
        """Go on with other numbers; see :meth:`AcousticStage.reconfigure`."""
        self.config.check_change(config)
        self.config = config

    def reset(self) -> None:
        """Forget all sound."""
        self._audio.reset()

    def add(self, block: AudioBlock) -> bool:
        """Take samples in; see :meth:`AcousticStage.add`."""
        return self._audio.add(block)

    def intruders(self) -> dict[int, str]:
        """Return nothing: there is no other channel to compare with."""
        return {}

    def covers(self, stamp: int) -> bool:
        """Tell whether all samples before a time (ns) have come."""
        return self._audio.covers(stamp)

    def prepare(self, stamp: int) -> None:
        """Do nothing: there is hardly anything to do without faces."""

    def process(self, faces: FaceFrame, from_image: bool = True) -> AcousticMap:
        """Listen to the sound that ends at the stamp of an image.

        Parameters
        ----------
        faces : FaceFrame
            Of that image.
        from_image : bool
            False when no image came and the stamp is an instant of the sound.

        Returns
        -------
        AcousticMap
            Without values and peaks.

        Raises
        ------
        InputError
            There are faces, but no camera that saw them.
        """
        if faces.faces and self._sight is None:
            raise InputError('faces need a camera: give the acoustic stage a rig that has one')
        return AcousticMap.blank(
            faces.stamp,
            self.measure,
            from_image,
            coverage=self._coverage(faces.stamp),
            faces=self._share(self._speech(faces.stamp), faces),
        )

    def _share(self, speech: float, faces: FaceFrame) -> tuple[FaceSound, ...]:
        """Share the probability that somebody speaks among those who are seen."""
        return tuple(
            FaceVolume.behind(self._sight, face, self.config).without_coherence(
                face.tracklet, speech / len(faces.faces), self._sight, self.config
            )
            for face in faces.faces
        )

    def _speech(self, stamp: int) -> float:
        """Probability that the sound before a stamp (ns) is speech."""
        if self._audio.empty:
            return 0.0
        end = self._audio.index_at(stamp)
        (odds,) = self._beam.listen(self._audio, end, np.ones(1, bool), self._array.positions)
        return speech_without_coherence(odds, self.config.face_speech)

    def _coverage(self, stamp: int) -> float:
        """Share of what is listened to that was received."""
        if self._audio.empty:
            return 0.0
        length = round(self._voice.length * self._array.rate / self._voice.RATE)
        return float(self._audio.received(self._audio.index_at(stamp), length).mean())
