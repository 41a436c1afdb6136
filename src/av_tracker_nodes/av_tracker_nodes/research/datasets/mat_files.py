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

"""MAT files of corpora."""

from __future__ import annotations

from pathlib import Path

from scipy.io import loadmat
from scipy.io.matlab import MatReadError

from av_tracker_nodes import InputError

UNREADABLE_MAT = MatReadError, ValueError, TypeError, IndexError, NotImplementedError
"""What SciPy raises for files that are not MAT files, or are of version 7.3."""


def load_mat(path: Path) -> dict:
    """Read the variables of a MAT file, its structs as objects with attributes.

    Raises
    ------
    InputError
        When the file is missing or unreadable.
    """
    try:
        return loadmat(path, squeeze_me=True, struct_as_record=False)
    except FileNotFoundError as error:
        raise InputError(f'calibration file {path.name} is missing in {path.parent}') from error
    except UNREADABLE_MAT as error:
        raise InputError(f'{path} is not a readable MAT file: {error}') from error
