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

"""The two microphone arrays of AV16.3."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from av_tracker_nodes.research.datasets.av163_calibration import read_array, read_microphones

ARRAYS, MICROPHONES = 2, 8
"""Arrays, and microphones of each."""


def table_microphones() -> np.ndarray:
    """Positions (m, shape (16, 3)) of the microphones on the table, in the order of the channels.

    Two circles of 0.1 m radius with centres at y = 0.4 m (microphones 1 to 8) and y = -0.4 m,
    numbered from -x by steps of 45 degrees, counter-clockwise seen from above.
    """
    angles = np.pi + np.arange(MICROPHONES) * np.pi / 4
    circle = 0.1 * np.column_stack([np.cos(angles), np.sin(angles), np.zeros(MICROPHONES)])
    centre = np.array([0, 0.4, 0])
    return np.concatenate([circle + centre, circle - centre])


def find_microphones(folders: Iterable[Path]) -> np.ndarray:
    """Read the positions (m, shape (16, 3)) in the first folder that has them.

    Those of ``gt.mat`` or ``MA1_pos.mat`` and ``MA2_pos.mat``; without, `table_microphones`.
    """
    for folder in folders:
        if (folder / 'gt.mat').is_file():
            return read_microphones(folder / 'gt.mat')
        arrays = [folder / f'MA{array}_pos.mat' for array in range(1, ARRAYS + 1)]
        if all(path.is_file() for path in arrays):
            return np.concatenate([read_array(path, MICROPHONES) for path in arrays])
    return table_microphones()
