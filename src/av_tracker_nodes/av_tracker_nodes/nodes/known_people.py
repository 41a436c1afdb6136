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

"""The people whom a tracker knows, left behind for the one that is started after it has died.

Places and ids alone: how somebody looks is in no file.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from av_tracker_nodes.association.absent import AbsentPerson
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.recordings.json_files import partial_path, read_json
from av_tracker_nodes.recordings.plausible import check_numbers

_RUN = re.compile(r'[A-Za-z0-9_-]{1,64}')
_INTEGERS = ('id', 'born', 'last_evidence')


class KnownPeople:
    """A file in the folder of temporary files, which only its user can read.

    Parameters
    ----------
    run : str
        Name of the run, as no other one has.

    Raises
    ------
    InputError
        For a name that is none of letters, digits, - and _.
    """

    def __init__(self, run: str) -> None:
        if not _RUN.fullmatch(run):
            raise InputError(f'run must be 1 to 64 letters, digits, - or _, got {run!r}')
        self._path = Path(tempfile.gettempdir()) / f'av_tracker-{run}.json'
        self._written = ''

    def read(self) -> tuple[list[AbsentPerson], int] | None:
        """Return people and the next id, as `SpeakerTracker.resume` takes them; None for no file.

        Raises
        ------
        InputError
            The file holds something else.
        """
        if not self._path.exists():
            return None
        content = read_json(self._path, 'people of the run')
        try:
            people = [_person(each) for each in content['people']]
            next_id = _integer(content['next_id'])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f'people of the run {self._path} lack numbers: {error}') from error
        return people, next_id

    def write(self, people: list[AbsentPerson], next_id: int) -> None:
        """Write people and the next id, where they have changed.

        Raises
        ------
        OSError
            The file cannot be written.
        """
        rows = [
            {name: getattr(person, name) for name in _INTEGERS} | {'place': person.place.tolist()}
            for person in people
        ]
        text = json.dumps({'next_id': next_id, 'people': rows})
        if text == self._written:
            return
        partial = partial_path(self._path)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        with open(os.open(partial, flags, 0o600), 'w') as file:
            file.write(text)
        partial.replace(self._path)
        self._written = text

    def remove(self) -> None:
        """Remove the file, at the end of the run."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
        self._written = ''


def _person(row: dict[str, Any]) -> AbsentPerson:
    numbers = {name: _integer(row[name]) for name in _INTEGERS}
    place = np.array(row['place'], float)
    if place.shape != (3,):
        raise TypeError('a place is three numbers')
    check_numbers('place', place)
    return AbsentPerson(place=place, **numbers)


def _integer(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise TypeError(f'{value!r} is no count')
    return value
