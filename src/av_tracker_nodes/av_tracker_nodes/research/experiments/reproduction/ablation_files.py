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

"""Reads what ``av-tracker benchmark ablations`` wrote."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from av_tracker_nodes import InputError

CHANGE = 'mota_change'


@dataclass(frozen=True)
class Ablations:
    """What parts of a network are worth.

    Attributes
    ----------
    name : str
        Of the network.
    protocol : str
        Scenes and length of the trainings.
    changes : dict of str to (float, float, float)
        By variant: change of MOTA against the whole network (points), and the ends of its 95 %
        interval.
    """

    name: str
    protocol: str
    changes: dict[str, tuple[float, float, float]]


def read_ablations(path: Path) -> Ablations:
    """Read ``ablations_NAME.json``.

    Raises
    ------
    InputError
        It is missing, or something else.
    """
    try:
        rows = json.loads(path.read_text())
        changes = {
            row['model']: (row[CHANGE], *row[f'{CHANGE}_95']) for row in rows if CHANGE in row
        }
        protocol = rows[0]['protocol']
    except OSError as error:
        raise InputError(f'cannot read {path}: {error.strerror}') from error
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise InputError(
            f'{path} is not what av-tracker benchmark ablations writes: {error!r}'
        ) from error
    if not changes:
        raise InputError(f'{path} has the whole network alone, without variants')
    return Ablations(path.stem.removeprefix('ablations_'), protocol, changes)
