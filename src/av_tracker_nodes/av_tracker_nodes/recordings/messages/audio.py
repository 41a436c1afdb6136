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

"""Messages of blocks of sound."""

from __future__ import annotations

from typing import Any

import numpy as np

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.recordings.messages.sample_formats import sample_size, to_samples
from av_tracker_nodes.recordings.messages.standard import Make, make, make_header, stamp_of
from av_tracker_nodes.types import AudioBlock

_INT16_SCALE = 32_768
_LAST_SAMPLE = 2**53


def to_audio(block: AudioBlock, frame_id: str) -> Any:
    """Make an ``av_tracker_msgs/AudioBlock`` of 16-bit samples."""
    scaled = np.clip(np.rint(block.samples * _INT16_SCALE), -_INT16_SCALE, _INT16_SCALE - 1)
    samples = scaled.astype(np.int16)
    return make_audio(block.stamp, block.first_sample, block.rate, samples, frame_id)


def make_audio(
    stamp: int,
    first_sample: int,
    rate: int,
    samples: np.ndarray,
    frame_id: str,
    make: Make = make,
) -> Any:
    """Make an ``av_tracker_msgs/AudioBlock`` of samples, shape (n, channels), int16 or float32."""
    frames, channels = samples.shape
    encoding, kind = {'i': ('S16LE', '<i2'), 'f': ('FLOAT32LE', '<f4')}[samples.dtype.kind]
    return make(
        'av_tracker_msgs/msg/AudioBlock',
        header=make_header(stamp, frame_id, make),
        first_sample=first_sample,
        sample_rate=rate,
        channels=channels,
        frames=frames,
        encoding=encoding,
        data=np.ascontiguousarray(samples, kind).view(np.uint8).ravel(),
    )


def from_audio(message: object) -> AudioBlock:
    """Read an ``av_tracker_msgs/AudioBlock``.

    Raises
    ------
    InputError
        For an unknown encoding, a block whose size does not fit its header, or absurd counts.
    """
    if message.first_sample > _LAST_SAMPLE:
        raise InputError(
            f'audio block at sample {message.first_sample}: too large for any recording'
        )
    data = np.frombuffer(memoryview(message.data), np.uint8)
    size = sample_size(message.encoding)
    if data.size != size * message.frames * message.channels:
        raise InputError(
            f'audio block at sample {message.first_sample} holds {data.size / size:g} values '
            f'instead of {message.frames} x {message.channels}'
        )
    if message.sample_rate == 0:
        raise InputError(f'audio block at sample {message.first_sample} has a rate of 0 Hz')
    return AudioBlock(
        stamp_of(message.header),
        message.first_sample,
        message.sample_rate,
        to_samples(data, message.encoding, message.channels),
    )
