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

"""What a person says about a recording: its topics, its frames, and what is not in it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from av_tracker_nodes.geometry.frame_tree import TF_TIMEOUT
from av_tracker_nodes.geometry.rig_files import load_rig_description
from av_tracker_nodes.recordings.bag.channels import WORLD_FRAME
from av_tracker_nodes.recordings.bag.topics import TopicNames


@dataclass(frozen=True)
class Sources:
    """Where sound, images and geometry of a recording come from.

    Attributes
    ----------
    topics : TopicNames
        Topics that are named; the others are found.
    target_frame : str
        Frame of the tracks.
    camera_calibration, array_calibration : Path or None
        Calibration or rig files, for what the recording does not tell: the calibration of the
        camera, the description of the microphones, and the poses of frames that TF never names.
    tf_timeout : float
        A moving transform that is older (s) places nothing any more.
    audio_offset : float
        Added to the stamps of the sound (s).
    rig : str
        Rig that stands in for files that are not given, by name or as a file.
    """

    topics: TopicNames = field(default_factory=TopicNames)
    target_frame: str = WORLD_FRAME
    camera_calibration: Path | None = None
    array_calibration: Path | None = None
    tf_timeout: float = TF_TIMEOUT
    audio_offset: float = 0.0
    rig: str = ''

    def with_rig(self, rig: str) -> Sources:
        """Let a rig stand in for calibration files that are not given.

        Parameters
        ----------
        rig : str
            Name or file; empty for none.

        Raises
        ------
        InputError
            When there is no such rig.
        """
        if not rig:
            return self
        described = load_rig_description(rig)
        camera = None if described.camera is None else described.path
        array = None if described.microphones is None else described.path
        return replace(
            self,
            rig=rig,
            camera_calibration=self.camera_calibration or camera,
            array_calibration=self.array_calibration or array,
        )
