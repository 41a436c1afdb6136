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

"""Topics of sensors that are not called as ours are."""

from __future__ import annotations

from collections.abc import Mapping

from av_tracker_nodes.recordings.bag import BagReader, Sources, TopicNames, Topics

TOPIC_ARGUMENTS = {
    'image': 'Topic of the images',
    'camera_info': 'Topic of the calibration of the camera',
    'audio': 'Topic of the sound',
    'audio_info': 'Topic of the format of sound in a bag of audio_common',
    'array_info': 'Topic of the description of the microphones',
    'depth': 'Topic of depth images that are registered to the images',
}
"""What can be named, by the beginning of the name of the argument."""

_TRANSPORT = '/compressed'


def topic_names(arguments: Mapping[str, str]) -> TopicNames:
    """Read the names out of the arguments of the node set."""
    return TopicNames(**{name: arguments[f'{name}_topic'] for name in TOPIC_ARGUMENTS})


def images_of(arguments: Mapping[str, str]) -> tuple[bool, bool]:
    """Tell whether the images of the bag, or of the named live topic, are compressed, rectified.

    Those of a bag are known by their type, live ones by the name of their topic.

    Raises
    ------
    InputError
        When there is no such bag, or it leaves a choice open.
    """
    names = topic_names(arguments)
    if not arguments['bag']:
        named = Topics(image=names.image or None)
        return names.image.endswith(_TRANSPORT), named.is_rectified
    with BagReader(arguments['bag'], Sources(names)) as bag:
        return bag.found.image is not None and bag.compressed, bag.found.is_rectified


def live_remappings(names: TopicNames) -> dict[str, str]:
    """Names of live topics by those of ours; what belongs to a sensor is looked for beside it."""
    image, audio = names.image.removesuffix(_TRANSPORT), names.audio
    beside = f'{image.rpartition("/")[0]}/camera_info'.removeprefix('/' * ('/' not in image))
    renamed = {
        'image_raw': image,
        'image_raw/compressed': image and image + _TRANSPORT,
        'camera_info': names.camera_info or (image and beside),
        'audio': audio,
        'audio/array_info': names.array_info or (audio and f'{audio}/array_info'),
        'depth/image': names.depth,
    }
    return {ours: theirs for ours, theirs in renamed.items() if theirs}


def launch_arguments(sources: Sources) -> dict[str, str]:
    """Arguments of the node set that say the same as some sources."""
    files = {
        'camera_calibration': sources.camera_calibration,
        'array_calibration': sources.array_calibration,
    }
    return {
        **{f'{name}_topic': getattr(sources.topics, name) for name in TOPIC_ARGUMENTS},
        **{name: str(path) for name, path in files.items() if path is not None},
        'target_frame': sources.target_frame,
        'tf_timeout': str(sources.tf_timeout),
        'audio_offset': str(sources.audio_offset),
    }
