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

"""Images and sound of the files that FFmpeg reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from av_tracker_nodes.errors import InputError, how_to_install
from av_tracker_nodes.types import to_nanoseconds

_HIGHEST_RATE, _REDUCED_RATE = 96_000, 48_000
"""Sound above the former is taken to the latter (Hz): nothing that is heard is higher."""
_COVER = 0x400
"""AV_DISPOSITION_ATTACHED_PIC of FFmpeg."""
_PLAYLISTS = {'applehttp', 'concat', 'dash', 'hls', 'imf', 'rtsp', 'sdp'}
"""Formats whose files name others, on this machine or elsewhere."""
_LOWEST_RATE = 8000
"""Lowest rate (Hz) at which delays between microphones tell directions."""


class MediaFile:
    """A file with images, sound or both.

    Parameters
    ----------
    path : str or Path

    Attributes
    ----------
    path : Path
    duration : float
        Seconds, as the file says; 0 where it does not.
    has_images, has_sound : bool
    channels, native_rate : int
        Of the first track of sound, 0 without.
    problems : dict of str to int
        What could not be decoded, and how often.

    Raises
    ------
    InputError
        When PyAV is missing, or FFmpeg does not read the file.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.problems: dict[str, int] = {}
        with self._opened() as file:
            self.duration = (file.duration or 0) / 1e6
            self.has_images, self.has_sound = bool(_pictures(file)), bool(file.streams.audio)
            self.channels = self.native_rate = 0
            if self.has_sound:
                sound = file.streams.audio[0]
                self.channels, self.native_rate = sound.codec_context.channels, sound.rate

    @property
    def rate(self) -> int:
        """Samples a second that :meth:`sound` yields.

        Raises
        ------
        InputError
            When it is too low to hear where sound comes from.
        """
        if self.native_rate < _LOWEST_RATE:
            raise InputError(
                f'{self.path} has sound at {self.native_rate} Hz; {_LOWEST_RATE} Hz are the least '
                'that tells where sound comes from'
            )
        return self.native_rate if self.native_rate <= _HIGHEST_RATE else _REDUCED_RATE

    def images(self) -> Iterator[tuple[int, np.ndarray]]:
        """Yield images, upright.

        Yields
        ------
        stamp : int
            When the image is shown, on the clock of the file (ns): the time between images may
            vary.
        image : np.ndarray, shape (height, width, 3), uint8
            Blue, green, red.
        """
        with self._opened() as file:
            stream = _pictures(file)[0]
            stream.thread_type = 'AUTO'
            period = 1 / stream.average_rate if stream.average_rate else None
            stamp: int | None = None
            for frame in self._decoded(file, stream, 'images'):
                if frame.pts is not None:
                    stamp = to_nanoseconds(frame.pts * frame.time_base)
                elif stamp is None:
                    stamp = 0
                elif period is not None:
                    stamp += to_nanoseconds(period)
                image = frame.to_ndarray(format='bgr24')
                # Telephones store the picture as the sensor lies, and how it was held.
                turns = round(getattr(frame, 'rotation', 0) / 90) % 4
                yield stamp, np.ascontiguousarray(np.rot90(image, turns))

    def sound(self) -> Iterator[tuple[int, np.ndarray]]:
        """Yield sound at :attr:`rate`.

        Yields
        ------
        stamp : int
            Of the first sample, on the clock of the file (ns).
        samples : np.ndarray, shape (n, channels), float32
            In [-1, 1].
        """
        resampler = _av().AudioResampler(format='flt', rate=self.rate)
        with self._opened() as file:
            for frame in self._decoded(file, file.streams.audio[0], 'pieces of sound'):
                yield from self._samples(resampler.resample(frame))
            yield from self._samples(resampler.resample(None))

    def _samples(self, frames: list[Any]) -> Iterator[tuple[int, np.ndarray]]:
        for frame in frames:
            stamp = to_nanoseconds((frame.pts or 0) * frame.time_base)
            yield stamp, frame.to_ndarray().reshape(-1, self.channels)

    def _decoded(self, file: Any, stream: Any, what: str) -> Iterator[Any]:
        """Decode as much as can be; count what cannot."""
        packets = file.demux(stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except _av().error.FFmpegError:
                self._note(f'{what} from a place on')
                return
            try:
                frames = packet.decode()
            except _av().error.FFmpegError:
                self._note(what)
                continue
            yield from frames

    def _note(self, what: str) -> None:
        self.problems[what] = self.problems.get(what, 0) + 1

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        av = _av()
        if not self.path.is_file():
            raise InputError(f'no file {self.path}')
        try:
            # A name with a colon is no protocol, and a playlist leads nowhere.
            formats = ','.join(sorted(av.formats_available - _PLAYLISTS))
            options = {'protocol_whitelist': 'file', 'format_whitelist': formats}
            file = av.open(f'file:{self.path}', options=options)
        except (av.error.FFmpegError, OSError) as error:
            reason = getattr(error, 'strerror', None) or error
            raise InputError(
                f'{self.path} is no video or sound that FFmpeg reads: {reason}'
            ) from error
        try:
            yield file
        finally:
            file.close()


def _pictures(file: Any) -> list[Any]:
    """Return the tracks of moving pictures: a cover is none."""
    # PyAV tells what tracks are for since version 13.
    return [s for s in file.streams.video if not getattr(s, 'disposition', 0) & _COVER]


def _av() -> ModuleType:
    try:
        import av
    except ImportError as error:
        raise InputError(
            f'reading videos and sound needs PyAV: {how_to_install("av", "python3-av")}'
        ) from error
    return av
