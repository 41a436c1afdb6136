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

"""Reader of bags."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property, partial
from pathlib import Path

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import Rig, Room
from av_tracker_nodes.geometry.sensor_rig import (
    ArrayDescription,
    CameraDescription,
    SensorRig,
    Transforms,
)
from av_tracker_nodes.recordings import messages
from av_tracker_nodes.recordings.bag.bag_file import RawMessage, stamp_of_cdr
from av_tracker_nodes.recordings.bag.geometry import BagGeometry
from av_tracker_nodes.recordings.bag.sensor_bag import SensorBag
from av_tracker_nodes.recordings.bag.sound import BagSound
from av_tracker_nodes.recordings.bag.sources import Sources
from av_tracker_nodes.recordings.bag.unusable import Unusable
from av_tracker_nodes.recordings.messages.images import from_image
from av_tracker_nodes.recordings.messages.pixels import ImageMemory
from av_tracker_nodes.synchronisation import shift_sound
from av_tracker_nodes.types import (
    AudioBlock,
    ImageFrame,
    TrackFrame,
    UnreadableImage,
)

Record = (
    AudioBlock | ImageFrame | UnreadableImage | Transforms | CameraDescription | ArrayDescription
)
"""What a recording tells, one after the other."""


class BagReader(SensorBag):
    """Reads a bag: sound and images in the order of their stamps, geometry, and ground truth.

    Topics are found by their types and namespaces, whatever they are called; see
    :mod:`~av_tracker_nodes.recordings.bag.topics`.

    Parameters
    ----------
    path : str or Path
        Directory of the bag, or its file.
    sources : Sources, optional
        Topics that are named, the frame of the result, and files for what the bag does not tell.

    Attributes
    ----------
    unusable : Unusable
        Messages that were read and could not be used.
    notes : list of str
        What else is worth knowing.

    Raises
    ------
    InputError
        When there is no bag, or it is not whole.
    """

    def __init__(self, path: str | Path, sources: Sources | None = None) -> None:
        super().__init__(path, sources)
        self.unusable = Unusable()
        self._memory = ImageMemory()
        self.notes: list[str] = []

    # ---- what is there

    def check(self, sees: bool = True, hears: bool = True) -> None:
        """Refuse a bag that lacks what is wanted, or whose geometry contradicts itself.

        Parameters
        ----------
        sees, hears : bool
            Whether images and sound are wanted.

        Raises
        ------
        InputError
            There are no images, no sound, or nothing that describes or connects the sensors; or
            the images have another size than their calibration, or the sound too few channels.
        """
        if sees:
            self.require('image', '--fusion-model audio needs none' if hears else '')
        if hears:
            self.require('audio', '--fusion-model visual needs none' if sees else '')
        self.sensors(sees, hears)
        if sees:
            self.geometry.check_images()
        if hears:
            BagSound(self, self.geometry.array()).check()

    # ---- what it tells

    @cached_property
    def geometry(self) -> BagGeometry:
        """What is known of the sensors."""
        return BagGeometry(self)

    def stream(self, sees: bool = True, hears: bool = True) -> Iterator[Record]:
        """Yield all that a tracker needs, in the order of stamps where that is safe.

        A message that cannot be used is counted in `unusable`; an image among them is announced,
        so that its stamp is answered.

        Parameters
        ----------
        sees, hears : bool
            Whether images and sound are wanted.

        Raises
        ------
        InputError
            When the bag has no sound or no images that are wanted, or breaks off.
        """
        decoders: dict[str, Callable[[RawMessage], Iterator[Record]]] = {}
        geometry = self.geometry
        if sees:
            decoders[self.require('image')] = self._images
            decoders[self.found.camera_info] = geometry.camera_infos
        sound = BagSound(self, self.geometry.array()) if hears else None
        if sound is not None:
            self.notes = sound.notes
            decoders[self.require('audio')] = sound
            decoders[self.found.audio_info] = sound
        decoders |= dict.fromkeys(self.found.moving_frames, geometry.moving_frames)
        decoders.pop(None, None)
        for _, message in self.ordered(decoders):
            try:
                for record in decoders[message.topic](message):
                    yield shift_sound(record, self.sources.audio_offset)
            except InputError as error:
                self.unusable.note(message.topic, str(error))
        if sound is not None:
            for block in sound.rest():
                yield shift_sound(block, self.sources.audio_offset)

    def records(self) -> Iterator[AudioBlock | ImageFrame]:
        """Yield blocks of sound and images, in the order of stamps where that is safe.

        Raises
        ------
        InputError
            When the bag has no sound or no images, or breaks off.
        """
        for record in self.stream():
            if isinstance(record, (AudioBlock, ImageFrame)):
                yield record

    def sound(self) -> Iterator[AudioBlock]:
        """Yield the blocks of sound alone, from bags without images too.

        Raises
        ------
        InputError
            When the bag has no sound, or breaks off.
        """
        for record in self.stream(sees=False):
            if isinstance(record, AudioBlock):
                yield record

    def sensors(self, sees: bool = True, hears: bool = True) -> SensorRig:
        """Return the geometry as it is told at the beginning.

        It knows what holds for the whole bag: microphones, the first calibration of the camera,
        static frames. Moving frames come with :meth:`stream`.

        Raises
        ------
        InputError
            When something is missing, or nothing ever connects the frames.
        """
        return self.geometry.sensors(sees, hears)

    def rig(self, target_frame: str | None = None, room: Room | None = None) -> Rig:
        """Put the geometry together as it is at the first image.

        Parameters
        ----------
        target_frame : str, optional
            Frame of the camera and of the result, instead of that of the sources.
        room : Room, optional
            Instead of the one that the bag tells.

        Raises
        ------
        InputError
            When something is missing, or the frames are not connected.
        """
        return self.geometry.rig(target_frame, room)

    def ground_truth(self) -> list[TrackFrame]:
        """Where everybody truly was, one frame an image; empty when the bag does not tell."""
        topic = self.found.ground_truth
        leave_out = partial(self.unusable.note, topic)
        return [
            messages.from_tracks(self.decode(message), leave_out)
            for message in self.messages(topic)
        ]

    def robot_speaking(self) -> list[tuple[int, bool]]:
        """When (ns) it was said whether the robot talks, and what; empty if never."""
        return [
            (message.log_time, self.decode(message).data)
            for message in self.messages(self.found.robot_speaking)
        ]

    # ---- how

    def _images(self, message: RawMessage) -> Iterator[ImageFrame | UnreadableImage]:
        try:
            yield from_image(self.decode(message), self._memory)
        except InputError as error:
            yield UnreadableImage(stamp_of_cdr(message.data), str(error))
            raise
