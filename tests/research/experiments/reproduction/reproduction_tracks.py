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

"""Writes the truth as the tracks of somebody else."""

from av_tracker_nodes.recordings.tracks_csv import TRACKS_HEADER


def write_tracks(path, truth, digits=9, speaking=0.0):
    """Write every person at every image as a row of ``tracks.csv``."""
    lines = [','.join(TRACKS_HEADER)]
    for frame, stamp in enumerate(truth.stamps):
        for person in truth.people:
            box = ','.join(f'{value:.3f}' for value in person.box[frame])
            mouth = ','.join(f'{value:.5f}' for value in person.mouth[frame])
            said = speaking if person.speaking is None else float(person.speaking[frame])
            row = f'{stamp / 1e9:.{digits}f},{frame},{person.person},{box},{mouth},{said},0.9'
            lines.append(row)
    path.write_text('\n'.join(lines) + '\n')
