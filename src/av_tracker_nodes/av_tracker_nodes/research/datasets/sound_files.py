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

"""Sound of recordings: from files, and at a lower rate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import soundfile
from numpy.lib.stride_tricks import sliding_window_view
from scipy.signal import firwin

from av_tracker_nodes import InputError
from av_tracker_nodes.recordings import check_file

_REACH = 16
"""Half the length of the low-pass filter in samples of the lower rate."""
_KAISER = 8.0
_PASSED = 0.92
"""Cutoff as a share of half the lower rate."""


def open_sound(path: Path, channels: int, rate: int) -> soundfile.SoundFile:
    """Open a file of sound.

    Raises
    ------
    InputError
        It is unreadable, or has other channels, or another rate (Hz).
    """
    try:
        file = soundfile.SoundFile(check_file(path, 'sound'))
    except (soundfile.SoundFileError, OSError) as error:
        raise InputError(f'{path} is not a readable WAV file') from error
    if (file.channels, file.samplerate) != (channels, rate):
        found = f'{file.channels} channels at {file.samplerate} Hz'
        file.close()
        raise InputError(f'{path} has {found}; {channels} at {rate} Hz are needed')
    return file


def read_sound(file: soundfile.SoundFile, count: int) -> np.ndarray:
    """Read the next samples, shape (count, channels), float32 in [-1, 1]; fewer at the end.

    Raises
    ------
    InputError
        They are damaged.
    """
    try:
        samples = file.read(count, 'float32', always_2d=True)
    except (soundfile.SoundFileError, OSError) as error:
        raise InputError(f'{file.name} is damaged: its sound cannot be read') from error
    if not np.isfinite(samples).all():
        raise InputError(f'{file.name} has samples that are not finite')
    return samples


def decimated(chunks: Iterable[np.ndarray], factor: int) -> Iterator[np.ndarray]:
    """Lower the rate of sound by a whole factor, without delay.

    Sample m is the low-passed input (a symmetric Kaiser-windowed sinc) at m `factor`.

    Parameters
    ----------
    chunks : iterable of np.ndarray, shape (n, channels)
        Of any lengths, in order.
    factor : int
    """
    if factor == 1:
        yield from chunks
        return
    reach = _REACH * factor
    taps = firwin(2 * reach + 1, _PASSED / factor, window=('kaiser', _KAISER)).astype(np.float32)
    held: np.ndarray | None = None
    for chunk in chunks:
        if held is None:
            held = np.zeros((reach, chunk.shape[1]), np.float32)
        held, lower = _filtered(np.concatenate([held, chunk]), taps, factor)
        yield lower
    if held is not None:
        silence = np.zeros((reach, held.shape[1]), np.float32)
        yield _filtered(np.concatenate([held, silence]), taps, factor)[1]


def _filtered(samples: np.ndarray, taps: np.ndarray, factor: int) -> tuple[np.ndarray, np.ndarray]:
    """Filter what there are enough neighbours for; return the rest, and the result."""
    count = max((len(samples) - len(taps)) // factor + 1, 0)
    if count == 0:
        return samples, np.zeros((0, samples.shape[1]), np.float32)
    windows = sliding_window_view(samples, len(taps), axis=0)[::factor][:count]
    return samples[count * factor :], windows @ taps
