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

"""Sound of recordings, cut into blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from av_tracker_nodes.types import AudioBlock, samples_to_nanoseconds


def cut_blocks(
    chunks: Iterable[np.ndarray], samples: int, rate: int, start: int, first: int = 0
) -> Iterator[AudioBlock]:
    """Cut sound into blocks.

    Parameters
    ----------
    chunks : iterable of np.ndarray, shape (n, channels)
        Of any lengths, in order, without a gap.
    samples : int
        Of each block; the last one may be shorter.
    rate : int
        Samples a second.
    start : int
        Stamp of sample 0 (ns).
    first : int
        Index of the first sample of the first chunk.
    """
    held, position = None, first
    for chunk in chunks:
        held = chunk if held is None else np.concatenate([held, chunk])
        whole = len(held) // samples * samples
        for begin in range(0, whole, samples):
            block = held[begin : begin + samples]
            stamp = start + samples_to_nanoseconds(position, rate)
            yield AudioBlock(stamp, position, rate, block)
            position += samples
        held = held[whole:]
    if held is not None and len(held):
        yield AudioBlock(start + samples_to_nanoseconds(position, rate), position, rate, held)
