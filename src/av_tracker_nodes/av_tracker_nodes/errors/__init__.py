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

"""Errors that a user can mend, settings that raise them, and files that may hold anything."""

from av_tracker_nodes.errors.installing import how_to_install

__all__ = ['InputError', 'how_to_install']

_BEGINNING, _END = 177, 105
"""Characters that are kept of a long message: what is wrong, and what to do about it."""


class InputError(ValueError):
    """Input is missing or malformed; the message says what, where, and what to do.

    Command line tools print it as one line and exit with status 2. Whatever part of the input the
    message quotes, it stays one line of printable characters, below 300: what is longer loses its
    middle.
    """

    def __init__(self, message: object = '') -> None:
        super().__init__(_one_line(str(message)))


def _one_line(text: str) -> str:
    if len(text) > 10 * _BEGINNING:
        text = f'{text[: 2 * _BEGINNING]} ... {text[-2 * _END :]}'
    line = ''.join(c if c.isprintable() else '\N{REPLACEMENT CHARACTER}' for c in _spaced(text))
    if len(line) > _BEGINNING + _END + len(' ... '):
        line = f'{line[:_BEGINNING]} ... {line[-_END:]}'
    return line


def _spaced(text: str) -> str:
    return ' '.join(text.split())
