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

"""What every fusion model does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.fusion.config import FusionConfig
from av_tracker_nodes.fusion.network_session import NetworkSession
from av_tracker_nodes.fusion.pictures import PictureWatch
from av_tracker_nodes.fusion.reach import in_reach
from av_tracker_nodes.fusion.who_speaks import with_lips
from av_tracker_nodes.fusion.widening import widened
from av_tracker_nodes.geometry import Rig
from av_tracker_nodes.types import AcousticMap, DetectionFrame, FaceFrame, Modality


class FusionModel(ABC):
    """Turns the faces and the acoustic map of one stamp into detections of people.

    Attributes
    ----------
    name : str
        How it is chosen, or the name of its class where it was made by hand.
    needs_image : bool
        Whether :meth:`process` wants the image.
    sees, hears : bool
        Whether it takes a camera and faces, and microphones and sound; it goes without the other.
    follows_heads : bool
        Whether it finds the heads of people who turn their faces away.
    measure : str
        Acoustic measure that the model is made for.
    device : str
        What it runs on.
    network : NetworkSession or None
        What was learnt, where something was.
    decisions : mapping of str to int
        How often it decided what, where that is worth knowing.
    config : FusionConfig
    """

    name = ''
    needs_image = False
    sees = hears = True
    follows_heads = False
    measure = 'vggcf'
    device = 'NumPy'
    network: NetworkSession | None = None
    decisions: Mapping[str, int] = MappingProxyType({})

    def __init__(self) -> None:
        self.config = FusionConfig()
        self._pictures = PictureWatch()

    def reconfigure(self, config: FusionConfig) -> None:
        """Go on with other numbers."""
        self.config = config

    def process(
        self, faces: FaceFrame, sound: AcousticMap, rig: Rig, image: np.ndarray | None = None
    ) -> DetectionFrame:
        """Detect people.

        Parameters
        ----------
        faces : FaceFrame
        sound : AcousticMap
            Of the same stamp.
        rig : Rig
        image : np.ndarray or None, shape (height, width, 3), uint8
            Blue, green, red; needed where `needs_image` is set.

        Returns
        -------
        DetectionFrame
            In the target frame. A face that nobody hears and a voice that nobody sees are
            detections too. Lips have their say in who speaks. Covariances include the
            uncertainty of the rig.
        """
        without = _missing_senses(faces, sound)
        if without == Modality.BOTH:
            return DetectionFrame(faces.stamp, from_image=sound.from_image, without=without)
        if rig.camera is not None:
            faces = self._pictures.doubted(in_reach(faces, rig.camera), sound, rig)
        detections = with_lips(self.detect(faces, sound, rig, image), faces)
        return replace(widened(detections, rig), without=without)

    @abstractmethod
    def detect(
        self, faces: FaceFrame, sound: AcousticMap, rig: Rig, image: np.ndarray | None = None
    ) -> DetectionFrame:
        """Detect people as if the rig were known exactly; see :meth:`process`."""

    def check_rig(self, rig: Rig) -> None:
        """Refuse sensors that are not sufficient for the model to locate people.

        Raises
        ------
        InputError
            A sensor is missing.
        """
        name = self.name or type(self).__name__
        if self.sees and rig.camera is None:
            raise InputError(
                f"model '{name}' needs a camera, and there is none: describe the camera, or take "
                "the model 'audio'"
            )
        if self.hears and rig.microphones is None:
            raise InputError(
                f"model '{name}' needs microphones, and there are none: describe the microphones, "
                "or take the model 'visual'"
            )
        if not self.sees and not rig.tells_directions:
            raise InputError(
                f"model '{name}' locates people by sound alone and needs two microphones, "
                'there is one: describe more, or take a model that sees'
            )

    def reset(self) -> None:
        """Forget all history; call when the recording changes."""
        self._pictures.reset()


def _missing_senses(faces: FaceFrame, sound: AcousticMap) -> Modality:
    """Return the senses that tell nothing at this stamp."""
    unseen = Modality.NONE if faces.is_searched else Modality.VISUAL
    return unseen if sound.is_heard else unseen | Modality.AUDIO
