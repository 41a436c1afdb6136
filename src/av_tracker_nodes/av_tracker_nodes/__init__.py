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

"""Audio-visual tracking of several speakers in 3-D.

This is the door for Python users; names are imported when they are asked for. A recording through
the whole pipeline::

    import av_tracker_nodes as av

    with av.BagReader('out/demo/bag') as bag:
        pipeline = av.Pipeline(bag.rig(), 'avclnet')
        for frame in pipeline.run(bag.records()):
            for track in frame.tracks:
                who = f'{track.id} at {track.position.round(2)} m'
                print(f'{frame.stamp / 1e9:.2f} s: {who}', 'talks' if track.is_speaking else '')

Stamps are integer nanoseconds, lengths metres, pixels 0-based, samples floats in [-1, 1]. Only the
subpackage :mod:`av_tracker_nodes.nodes` knows ROS; everything else is plain Python on arrays.
"""

import os
from importlib import import_module

__version__ = '0.1.0'

# OpenCV reads it once, as it is imported: pixels of a picture that it decodes, of 16 bits and with
# copies a quarter of a gigabyte. What is larger is refused before memory is taken for it.
os.environ.setdefault('OPENCV_IO_MAX_IMAGE_PIXELS', str(1 << 25))

_HOMES = {
    # Geometry of the sensors, and calibration files.
    'Camera': 'geometry',
    'MicrophoneArray': 'geometry',
    'Rig': 'geometry',
    'load_camera': 'geometry.calibration',
    'load_microphones': 'geometry.calibration',
    'load_rig': 'geometry.rig_files',
    # The stages, one by one and in a chain.
    'AcousticStage': 'acoustics',
    'FaceStage': 'vision.stage',
    'Mouth': 'vision.lips',
    'AppearanceEncoder': 'vision.appearance',
    'appearance_crops': 'vision.appearance',
    'FUSION_MODELS': 'fusion',
    'DEFAULT_MODEL': 'fusion',
    'create_fusion': 'fusion',
    'SpeakerTracker': 'association',
    'Pipeline': 'pipeline',
    'Profile': 'pipeline',
    # Recordings.
    'BagReader': 'recordings.bag',
    'Sources': 'recordings.bag',
    'TopicNames': 'recordings.bag',
    'recording_to_bag': 'recordings.conversion',
    'track_bag': 'pipeline',
    'watch_bag': 'pipeline',
    # What the stages say to each other.
    'AudioBlock': 'types',
    'ImageFrame': 'types',
    'Face': 'types',
    'FaceFrame': 'types',
    'Detection': 'types',
    'DetectionFrame': 'types',
    'Modality': 'types',
    'InputError': 'errors',
}
"""Where each public name is defined."""

__all__ = list(_HOMES)


def __getattr__(name: str) -> object:
    """Import a public name when it is asked for."""
    if name not in _HOMES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    value = getattr(import_module(f'{__name__}.{_HOMES[name]}'), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
