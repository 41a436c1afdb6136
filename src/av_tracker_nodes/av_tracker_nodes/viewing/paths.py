# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Names of the entities in a recording of rerun."""

WORLD = 'world'
CAMERA = f'{WORLD}/camera'
IMAGE = f'{CAMERA}/image'
MAP = f'{IMAGE}/acoustic_map'
BOXES = f'{IMAGE}/boxes'
ARRAY = f'{WORLD}/array'
MICROPHONES = f'{ARRAY}/microphones'
POINTS = f'{ARRAY}/acoustic_map'
PEAKS = f'{ARRAY}/peaks'
TRACKS = f'{WORLD}/tracks'
HEADS = f'{TRACKS}/heads'
TRAILS = f'{TRACKS}/trails'
UNCERTAINTY = f'{TRACKS}/uncertainty'
TRUTH = f'{WORLD}/ground_truth'
SPEAKING = 'speaking'
