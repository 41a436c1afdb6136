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

"""Sound in, acoustic maps, peaks and speech out."""

from av_tracker_nodes.acoustics.config import AcousticConfig
from av_tracker_nodes.acoustics.measures import MEASURES
from av_tracker_nodes.acoustics.sound_mapper import SoundMapper
from av_tracker_nodes.acoustics.stage import AcousticStage, acoustic_stage

__all__ = ['MEASURES', 'AcousticConfig', 'AcousticStage', 'SoundMapper', 'acoustic_stage']
