# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Sound in, acoustic maps, peaks and speech out."""

from av_tracker_nodes.acoustics.config import AcousticConfig
from av_tracker_nodes.acoustics.measures import MEASURES
from av_tracker_nodes.acoustics.sound_mapper import SoundMapper
from av_tracker_nodes.acoustics.stage import AcousticStage, acoustic_stage

__all__ = ['MEASURES', 'AcousticConfig', 'AcousticStage', 'SoundMapper', 'acoustic_stage']
