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

"""Which topics of a bag, or of a running robot, are the sensors: paired by namespace, or named.

A driver names its topics as it likes: ``/camera/color/image_raw``, ``/oak/rgb/image_rect``. They
are known by their types; those of one sensor share a namespace. Where several sensors could be
meant, the choice is left to the person who has them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields

from av_tracker_nodes.errors import InputError

RAW = 'sensor_msgs/msg/Image'
COMPRESSED = 'sensor_msgs/msg/CompressedImage'
CAMERA_INFO = 'sensor_msgs/msg/CameraInfo'
BLOCK = 'av_tracker_msgs/msg/AudioBlock'
ARRAY_INFO = 'av_tracker_msgs/msg/MicrophoneArrayInfo'
AUDIO_STAMPED = 'audio_common_msgs/msg/AudioDataStamped'
AUDIO_DATA = 'audio_common_msgs/msg/AudioData'
AUDIO_INFO = 'audio_common_msgs/msg/AudioInfo'
TRANSFORMS = 'tf2_msgs/msg/TFMessage'
TRACKS = 'av_tracker_msgs/msg/SpeakerTrackArray'
BOOL = 'std_msgs/msg/Bool'

IMAGES = (RAW, COMPRESSED)
SOUNDS = (BLOCK, AUDIO_STAMPED, AUDIO_DATA)
"""Types of sound, the one that tells most first."""

USUAL = {
    'image': ('/image_raw', '/image_raw/compressed'),
    'camera_info': ('/camera_info',),
    'audio': ('/audio',),
    'array_info': ('/audio/array_info',),
}
"""What the topics of the sensors are usually called."""

_TRANSPORT = '/compressed'
_NO_PICTURE = re.compile(r'depth|disparity|confidence|points|overlay|mask|label|debug|heatmap')
"""Parts of names of image topics that are no pictures of a camera."""
_REGISTERED = re.compile(r'aligned_depth|depth_to_(rgb|color)|depth_registered|(^|/)depth/image$')
"""Names of depth images that fit the picture point by point."""
_INFRARED = re.compile(r'infra|(^|_)ir(_|$|\d)')
_BEAM = re.compile(r'(^|/)speaker_\d+/')
"""Our own beams, which are sound too."""
_PICTURES = ('image_raw', 'image_color', 'image', 'image_rect_color', 'image_rect', 'image_mono')
"""Names of the pictures of one camera, the one that is taken first."""


@dataclass(frozen=True)
class TopicNames:
    """Topics as somebody names them; an empty name is looked for.

    Attributes
    ----------
    image, camera_info : str
        Raw or compressed pictures, and the calibration of their camera.
    audio, audio_info, array_info : str
        Sound, its format where another message tells it, and the description of the microphones.
    depth : str
        Depth images that are registered to the pictures.
    """

    image: str = ''
    camera_info: str = ''
    audio: str = ''
    audio_info: str = ''
    array_info: str = ''
    depth: str = ''


@dataclass(frozen=True)
class Topics:
    """Topics of the sensors; None for what is not there.

    Attributes
    ----------
    image, camera_info, audio, audio_info, array_info, depth : str or None
        See :class:`TopicNames`.
    moving_frames, static_frames : tuple of str
        ``/tf`` and ``/tf_static``, with those in namespaces that the sensors are in.
    ground_truth, robot_speaking : str or None
        What our own recordings tell besides.
    """

    image: str | None = None
    camera_info: str | None = None
    audio: str | None = None
    audio_info: str | None = None
    array_info: str | None = None
    depth: str | None = None
    moving_frames: tuple[str, ...] = ()
    static_frames: tuple[str, ...] = ()
    ground_truth: str | None = None
    robot_speaking: str | None = None

    @property
    def is_rectified(self) -> bool:
        """Whether the pictures are rectified, by their name: image_rect, image_rect_color."""
        return self.image is not None and picture_name(self.image).startswith('image_rect')


def picture_name(topic: str) -> str:
    """Last part of the name of an image topic, without that of a transport."""
    return topic.removesuffix(_TRANSPORT).rpartition('/')[2]


def find_topics(
    types: Mapping[str, str], names: TopicNames | None = None, where: str = 'the bag'
) -> Topics:
    """Find the topics of the sensors.

    Parameters
    ----------
    types : mapping of str to str
        Message type of each topic that holds messages.
    names : TopicNames, optional
        Topics that were named.
    where : str
        What holds the topics, for the message of an error.

    Raises
    ------
    InputError
        A topic that was named is not there or of another type, or several could be meant and
        none was named.
    """
    return _Search(types, names or TopicNames(), where).run()


class _Search:
    """Finds topics in a table of topics and types."""

    def __init__(self, types: Mapping[str, str], names: TopicNames, where: str) -> None:
        self._types, self._names, self._where = types, names, where
        for field in fields(names):
            self._check_name(field.name, getattr(names, field.name))

    def run(self) -> Topics:
        """Find all of them: the sensors first, then what belongs to each."""
        image, audio = self._image(), self._audio(self._names.image)
        if image is None and audio is not None:
            anchors = [audio]
        else:
            anchors = [topic for topic in (image, audio) if topic is not None]
        return Topics(
            image=image,
            camera_info=self._camera_info(image),
            audio=audio,
            audio_info=self._companion('audio_info', AUDIO_INFO, audio),
            array_info=self._companion('array_info', ARRAY_INFO, audio),
            depth=self._depth(image),
            moving_frames=self._frames('tf', anchors),
            static_frames=self._frames('tf_static', anchors),
            ground_truth=self._own('ground_truth', TRACKS, anchors),
            robot_speaking=self._own('robot_speaking', BOOL, anchors),
        )

    # ---- what each may be

    def _of(self, kinds: Collection[str]) -> list[str]:
        return [topic for topic, kind in self._types.items() if kind in kinds]

    def _check_name(self, role: str, topic: str) -> None:
        kinds = {
            'image': IMAGES,
            'camera_info': (CAMERA_INFO,),
            'audio': SOUNDS,
            'audio_info': (AUDIO_INFO,),
            'array_info': (ARRAY_INFO,),
            'depth': (RAW,),
        }[role]
        if not topic:
            return
        there = ', '.join(sorted(self._of(kinds))) or 'none'
        if topic not in self._types:
            raise InputError(
                f'{self._where} holds no messages on {role}_topic {topic}; topics of its type '
                f'are: {there}'
            )
        if self._types[topic] not in kinds:
            raise InputError(
                f'{role}_topic {topic} of {self._where} is of type {self._types[topic]}; topics '
                f'that can be taken are: {there}'
            )

    def _image(self) -> str | None:
        if self._names.image:
            return self._names.image
        pictures = [
            topic
            for topic in self._of(IMAGES)
            if not _NO_PICTURE.search(topic.lower()) and not topic.endswith('/theora')
        ]
        colour = [topic for topic in pictures if not _is_infrared(topic)]
        cameras = _by_namespace(colour or pictures, strip=_TRANSPORT)
        if self._names.camera_info:
            cameras = self._near(cameras, self._names.camera_info)
        if self._names.audio:
            cameras = self._near(cameras, self._names.audio)
        if len(cameras) > 1:
            raise self._several('image', [_best_picture(each) for each in cameras.values()])
        return _best_picture(next(iter(cameras.values()))) if cameras else None

    def _camera_info(self, image: str | None) -> str | None:
        if self._names.camera_info:
            return self._names.camera_info
        infos = self._of([CAMERA_INFO])
        if image is None:
            return infos[0] if len(infos) == 1 else None
        beside = f'{_namespace(image.removesuffix(_TRANSPORT))}/camera_info'
        # Simulators and image_transport name it after the picture: /image -> /image/camera_info.
        below = f'{image.removesuffix(_TRANSPORT)}/camera_info'
        for exact in (beside, below):
            if exact in infos:
                return exact
        others = [topic for topic in infos if not _NO_PICTURE.search(topic.lower())]
        nearest = _nearest(others, image)
        if len(nearest) > 1:
            raise self._several('camera_info', nearest)
        return nearest[0] if nearest else None

    def _depth(self, image: str | None) -> str | None:
        """Find the depth of the picture; nobody has to name it who does not want it."""
        if self._names.depth or image is None:
            return self._names.depth or None
        nearest = _nearest(filter(_REGISTERED.search, self._of([RAW])), image)
        return nearest[0] if len(nearest) == 1 else None

    def _audio(self, image: str) -> str | None:
        if self._names.audio:
            return self._names.audio
        sounds = [topic for topic in self._of(SOUNDS) if not _BEAM.search(topic)]
        # Blocks count their samples; what a bridge made them from is the same sound.
        blocks = [topic for topic in sounds if self._types[topic] == BLOCK]
        cards = _by_namespace(blocks or sounds)
        for near in (self._names.array_info, self._names.audio_info, image):
            if near and len(cards) > 1:
                cards = self._near(cards, near)
        found = [min(topics, key=self._worth) for topics in cards.values()]
        if len(found) > 1:
            raise self._several('audio', found)
        return found[0] if found else None

    def _worth(self, topic: str) -> int:
        return SOUNDS.index(self._types[topic])

    def _companion(self, role: str, kind: str, sensor: str | None) -> str | None:
        """Find what describes a sensor: below it, beside it, or the nearest one."""
        if getattr(self._names, role):
            return getattr(self._names, role)
        topics = self._of([kind])
        if sensor is None:
            return topics[0] if len(topics) == 1 else None
        for exact in (f'{sensor}/{role}', f'{_namespace(sensor)}/{role}'):
            if exact in topics:
                return exact
        nearest = _nearest(topics, sensor)
        if len(nearest) > 1:
            raise self._several(role, nearest)
        return nearest[0] if nearest else None

    def _frames(self, name: str, anchors: list[str]) -> tuple[str, ...]:
        """Find ``/tf`` and those in namespaces of the sensors; the only one in any case."""
        topics = [t for t in self._of([TRANSFORMS]) if t.rpartition('/')[2] == name]
        around = [
            topic
            for topic in topics
            if any(anchor.startswith(f'{_namespace(topic)}/') for anchor in anchors)
        ]
        return tuple(around or (topics if len(topics) == 1 else ()))

    def _own(self, name: str, kind: str, anchors: list[str]) -> str | None:
        topics = [t for t in self._of([kind]) if t.rpartition('/')[2] == name]
        nearest = _nearest(topics, anchors[0]) if anchors else topics
        return nearest[0] if len(nearest) == 1 else None

    def _near(self, groups: dict[str, list[str]], topic: str) -> dict[str, list[str]]:
        """Keep the groups whose namespace is the nearest to that of a topic."""
        nearest = {_namespace(t) for t in _nearest([f'{g}/x' for g in groups], topic)}
        return {group: topics for group, topics in groups.items() if group in nearest}

    def _several(self, role: str, topics: Iterable[str]) -> InputError:
        listed = ', '.join(sorted(topics))
        option = f'{role}_topic'
        return InputError(
            f'{self._where} holds several topics that could be {option}: {listed}; name one of '
            f'them (--{option.replace("_", "-")} or {option}:=)'
        )


def _is_infrared(topic: str) -> bool:
    return any(_INFRARED.search(part) for part in topic.lower().split('/'))


def _namespace(topic: str) -> str:
    return topic.rpartition('/')[0]


def _by_namespace(topics: Iterable[str], strip: str = '') -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for topic in topics:
        groups.setdefault(_namespace(topic.removesuffix(strip) if strip else topic), []).append(
            topic
        )
    return groups


def _best_picture(topics: Iterable[str]) -> str:
    """Choose among the pictures of one camera: raw before compressed, by their usual names."""

    def worth(topic: str) -> tuple[int, bool, str]:
        name = picture_name(topic)
        rank = _PICTURES.index(name) if name in _PICTURES else len(_PICTURES)
        return rank, topic.endswith(_TRANSPORT), topic

    return min(topics, key=worth)


def _nearest(topics: Iterable[str], to: str) -> list[str]:
    """Topics that share the longest namespace with another one."""
    parts = to.split('/')[1:-1]

    def shared(topic: str) -> int:
        own = topic.split('/')[1:-1]
        return next(
            (k for k, (a, b) in enumerate(zip(own, parts, strict=False)) if a != b),
            min(len(own), len(parts)),
        )

    topics = list(topics)
    most = max(map(shared, topics), default=0)
    return [topic for topic in topics if shared(topic) == most]
