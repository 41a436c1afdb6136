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

"""Files from elsewhere, opened so that none of them stalls this process or fills its memory.

A FIFO would be waited for without end, and a device never ends: regular files alone are opened.
What is read whole has a size that is known before.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from av_tracker_nodes.errors import InputError

MEGABYTE = 1_000_000
_LARGEST_TEXT = 64 * MEGABYTE


def check_file(path: str | Path, what: str = 'file') -> Path:
    """Make sure that there is a regular file, for a library that opens it by its name.

    Parameters
    ----------
    path : str or Path
    what : str
        The file is, in the words of messages.

    Raises
    ------
    InputError
        There is none, or something else.
    """
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError) as error:
        raise _unreadable(path, what, error) from error
    if not stat.S_ISREG(mode):
        raise _unreadable(path, what, _kind(mode))
    return Path(path)


def read_bytes(path: str | Path, what: str, most: int) -> bytes:
    """Read a file whole.

    Parameters
    ----------
    path : str or Path
    what : str
        The file is, in the words of messages.
    most : int
        Bytes that it may have.

    Raises
    ------
    InputError
        It cannot be read, is larger, or is no regular file.
    """
    try:
        with open(path, 'rb', opener=_open_without_waiting) as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise _unreadable(path, what, _kind(found.st_mode))
            if found.st_size > most:
                raise _unreadable(
                    path,
                    what,
                    f'it has {found.st_size / MEGABYTE:.0f} MB, {most / MEGABYTE:g} are the most',
                )
            return file.read(found.st_size)
    except InputError:
        raise
    except (OSError, ValueError) as error:
        raise _unreadable(path, what, error) from error


def read_text(
    path: str | Path, what: str, most: int = _LARGEST_TEXT, *, foreign: bool = False
) -> str:
    """Read a text file, in UTF-8.

    Parameters
    ----------
    path : str or Path
    what : str
        The file is, in the words of messages.
    most : int
        Bytes that it may have.
    foreign : bool
        Let letters of other encodings be: numbers alone are looked for.

    Raises
    ------
    InputError
        It cannot be read, is larger, or is no text of UTF-8.
    """
    content = read_bytes(path, what, most)
    try:
        return content.decode('utf-8', 'replace' if foreign else 'strict')
    except UnicodeDecodeError as error:
        reason = f'it is no text in UTF-8 (byte {error.start}): write it anew as such'
        raise _unreadable(path, what, reason) from error


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def _kind(mode: int) -> str:
    return 'it is a folder' if stat.S_ISDIR(mode) else 'it is no regular file'


def _unreadable(path: str | Path, what: str, reason: Exception | str) -> InputError:
    told = getattr(reason, 'strerror', None) or reason
    return InputError(f'{what} {path} cannot be read: {told}')
