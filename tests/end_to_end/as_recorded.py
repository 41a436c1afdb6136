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

"""A recording as other people's drivers and robots would have recorded it.

Each function changes a list of messages and what the user says of them; the tracks must stay.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from av_tracker_nodes.recordings import messages
from av_tracker_nodes.recordings.bag import BagReader, BagWriter
from av_tracker_nodes.recordings.messages.images import from_image, to_image

NS = 1_000_000_000


class Message(NamedTuple):
    """A message that can be changed."""

    topic: str
    type: str
    time: int
    content: Any
    latched: bool


@dataclass(frozen=True)
class Recorded:
    """Messages, and options of the command line."""

    messages: tuple[Message, ...]
    options: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, bag: Path) -> Recorded:
        """Read a bag of ours."""
        with BagReader(bag) as reader:
            return cls(
                tuple(
                    Message(m.topic, m.type, m.log_time, reader.decode(m), m.latched)
                    for m in reader.raw()
                )
            )

    def write(self, path: Path) -> Path:
        """Write a bag."""
        with BagWriter(path) as bag:
            for m in sorted(self.messages, key=lambda m: m.time):
                data = messages.serialize(m.content, m.type)
                bag.write_raw(m.topic, m.type, m.time, data, latched=m.latched)
        return path

    def map(self, change: Callable[[Message], Message | None], *topics: str) -> Recorded:
        """Change the messages of some topics, which end like this; None drops one."""
        changed = []
        for m in self.messages:
            if m.topic.endswith(topics):
                m = change(m._replace(content=copy.deepcopy(m.content)))
            if m is not None:
                changed.append(m)
        return replace(self, messages=tuple(changed))

    def rename(self, names: dict[str, str]) -> Recorded:
        """Rename topics."""
        renamed = (m._replace(topic=names.get(m.topic, m.topic)) for m in self.messages)
        return replace(self, messages=tuple(renamed))

    def adding(self, more: list[Message]) -> Recorded:
        """Add messages."""
        return replace(self, messages=(*self.messages, *more))

    def saying(self, **options: str) -> Recorded:
        """Add options."""
        return replace(self, options={**self.options, **options})


def set_stamp(m: Message, stamp: int) -> Message:
    """Change the stamp of a message."""
    m.content.header.stamp.sec, m.content.header.stamp.nanosec = divmod(stamp, NS)
    return m


def _image_topic(recorded: Recorded) -> str:
    return next(m.topic for m in recorded.messages if m.topic.endswith('/compressed'))


# ---- topics


def under_a_namespace(recorded: Recorded) -> Recorded:
    """A robot of several: everything below its name, its frames too."""
    return replace(
        recorded, messages=tuple(m._replace(topic=f'/robot1{m.topic}') for m in recorded.messages)
    )


def of_a_colour_camera(recorded: Recorded) -> Recorded:
    """Topics as RGB-D drivers name them, with those of depth beside them."""

    def rename(m: Message) -> Message:
        space, _, name = m.topic.partition(
            '/image_raw' if '/image_raw' in m.topic else '/camera_info'
        )
        kind = '/image_raw' if '/image_raw' in m.topic else '/camera_info'
        return m._replace(topic=f'{space}/camera/color{kind}{name}')

    colour = recorded.map(rename, '/image_raw/compressed', '/image_raw', '/camera_info')
    depth = []
    for m in colour.messages:
        if m.topic.endswith('color/camera_info'):
            other = copy.deepcopy(m.content)
            other.k = other.k * 1.3
            depth.append(m._replace(topic=m.topic.replace('color', 'depth'), content=other))
    return colour.adding(depth)


# ---- messages


def raw(recorded: Recorded) -> Recorded:
    """Images that nobody compressed."""

    def unpack(m: Message) -> Message:
        frame = from_image(m.content)
        image = to_image(frame, m.content.header.frame_id)
        topic = m.topic.removesuffix('/compressed')
        return m._replace(topic=topic, type='sensor_msgs/msg/Image', content=image)

    return recorded.map(unpack, '/compressed')


def of_audio_common(recorded: Recorded) -> Recorded:
    """Sound as audio_common's driver records it; a file describes the microphones."""
    types = messages.typestore().types

    def wrap(m: Message) -> Message:
        block = m.content
        data = types['audio_common_msgs/msg/AudioData'](data=block.data)
        stamped = types['audio_common_msgs/msg/AudioDataStamped'](header=block.header, audio=data)
        return m._replace(
            topic=f'{m.topic}_stamped',
            type='audio_common_msgs/msg/AudioDataStamped',
            content=stamped,
        )

    first = next(m for m in recorded.messages if m.topic.endswith('/audio'))
    info = types['audio_common_msgs/msg/AudioInfo'](
        channels=first.content.channels,
        sample_rate=first.content.sample_rate,
        sample_format='S16LE',
        bitrate=0,
        coding_format='wave',
    )
    told = Message(
        f'{first.topic}_info', 'audio_common_msgs/msg/AudioInfo', first.time, info, True
    )
    without = recorded.map(lambda m: None, '/array_info')
    return without.map(wrap, '/audio').adding([told]).saying(array_calibration='ARRAY')


# ---- frames


def on_a_base(recorded: Recorded) -> Recorded:
    """A robot whose base stands still in the world, as moving frames tell at 50 Hz."""
    types = messages.typestore().types

    def reparent(m: Message) -> Message:
        for transform in m.content.transforms:
            transform.header.frame_id = 'base_link'
        return m

    static = next(m for m in recorded.messages if m.topic.endswith('/tf_static'))
    moving = []
    begin, end = recorded.messages[0].time, max(m.time for m in recorded.messages)
    for time in range(begin - NS // 10, end + NS // 10, NS // 50):
        transform = copy.deepcopy(static.content.transforms[0])
        transform.header.frame_id, transform.child_frame_id = 'world', 'base_link'
        transform.header.stamp.sec, transform.header.stamp.nanosec = divmod(time, NS)
        t, q = transform.transform.translation, transform.transform.rotation
        t.x = t.y = t.z = q.x = q.y = q.z = 0.0
        q.w = 1.0
        message = types['tf2_msgs/msg/TFMessage'](transforms=[transform])
        topic = static.topic.removesuffix('_static')
        moving.append(Message(topic, static.type, time, message, False))
    return recorded.map(reparent, '/tf_static').adding(moving)


def without_world(recorded: Recorded) -> Recorded:
    """A robot that knows no world: its root is base_link, and the tracks are wanted there."""

    def reparent(m: Message) -> Message:
        for transform in m.content.transforms:
            transform.header.frame_id = 'base_link'
        return m

    return recorded.map(reparent, '/tf_static').saying(target_frame='base_link')


# ---- geometry


def binned(recorded: Recorded) -> Recorded:
    """A calibration of the whole sensor, of which the driver bins 2 x 2 pixels."""

    def change(m: Message) -> Message:
        info = m.content
        info.width, info.height, info.binning_x, info.binning_y = (
            2 * info.width,
            2 * info.height,
            2,
            2,
        )
        info.k = info.k * np.array([2, 2, 2, 1, 2, 2, 1, 1, 1.0])
        return m

    return recorded.map(change, '/camera_info')


def of_a_rational_lens(recorded: Recorded) -> Recorded:
    """The same lens in the eight coefficients of another model."""

    def change(m: Message) -> Message:
        if m.content.distortion_model == 'plumb_bob':
            m.content.distortion_model = 'rational_polynomial'
            m.content.d = np.concatenate([m.content.d, np.zeros(8 - len(m.content.d))])
        return m

    return recorded.map(change, '/camera_info')


# ---- time


def late(recorded: Recorded) -> Recorded:
    """Images over a wireless link: rightly stamped, and logged 1.2 s later."""
    return recorded.map(
        lambda m: m._replace(time=m.time + 12 * NS // 10), '/compressed', '/image_raw'
    )


def unstamped_info(recorded: Recorded) -> Recorded:
    """A driver that does not stamp its camera_info."""
    return recorded.map(lambda m: set_stamp(m, 0), '/camera_info')


def info_once(recorded: Recorded) -> Recorded:
    """A driver that tells its calibration once."""
    told = []

    def keep_first(m: Message) -> Message | None:
        if m.topic in told:
            return None
        told.append(m.topic)
        return m._replace(latched=True)

    return recorded.map(keep_first, '/camera_info')


# ---- what fails


def with_broken_messages(recorded: Recorded) -> Recorded:
    """One image that cannot be decoded, one empty one, and one block of another shape."""
    count = {'image': 0, 'audio': 0}

    def spoil(m: Message) -> Message:
        kind = 'audio' if m.topic.endswith('/audio') else 'image'
        count[kind] += 1
        if kind == 'image' and count[kind] in (20, 30):
            m.content.data = m.content.data[: 0 if count[kind] == 30 else 100]
        if kind == 'audio' and count[kind] == 100 and hasattr(m.content, 'channels'):
            m.content.channels += 1
        return m

    return recorded.map(spoil, '/compressed', '/image_raw', '/audio')


CHANGES = (
    raw,
    with_broken_messages,
    of_a_rational_lens,
    binned,
    late,
    unstamped_info,
    info_once,
    of_audio_common,
    without_world,
    on_a_base,
    of_a_colour_camera,
    under_a_namespace,
)
"""In an order in which any of them can follow any other."""

EXCLUSIVE = ({unstamped_info, info_once}, {without_world, on_a_base})
"""Of these, one at a time."""
