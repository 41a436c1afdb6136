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

"""Numbers of the tracker, with their meaning and range."""

from __future__ import annotations

from dataclasses import dataclass

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.errors.settings import Settings, choice, number, switch


@dataclass(frozen=True)
class TrackerConfig(Settings):
    """How tracks move, are matched, are born and die.

    Times are in seconds, lengths in metres. All of them are live.

    Attack, release and thresholds of speaking were chosen on validation scenes of `benchmark
    speaking` (seeds 1600 and 1601, faces about the true heads): the beginning of speech is told
    within 0.2 s and its end within 0.3 s in the median, and a voice that two people share equally
    is told of neither.

    Raises
    ------
    InputError
        When a value is out of its range.
    """

    assignment: str = choice(
        'optimal', ('optimal', 'greedy'), 'Optimal assignment, or greedy as AVCLNet publishes it'
    )
    reference: str = choice(
        'predicted',
        ('predicted', 'previous'),
        'Compare detections with the predicted box and position, or with the previous ones as '
        'AVCLNet publishes it',
    )
    beta: float = number(
        0.6, 0.0, 1.0, 'Weight of the overlap of boxes against the distance in 3-D (eq 18)'
    )
    sigma: float = number(
        0.5, 0.05, 5.0, 'Width of the distance kernel for a room of 3 m depth (m, eq 17)'
    )
    continuity: float = number(
        0.5, 0.0, 1.0, 'Share of the cost that is waived for the face that the track had before'
    )
    appearance: float = number(
        1.0,
        0.0,
        10.0,
        'Weight of the difference in looks, where geometry leaves more than one choice',
    )
    appearance_memory: float = number(
        2.0, 0.1, 60.0, 'Time over which the looks of a person are averaged (s)'
    )
    gate: float = number(
        16.3, 1.0, 100.0, 'Squared Mahalanobis distance in 3-D beyond which nothing matches'
    )
    acceleration: float = number(
        0.8, 0.01, 20.0, 'How briskly people change their speed (m/s^2): higher follows faster'
    )
    vertical_share: float = number(0.3, 0.01, 1.0, 'Vertical motion relative to horizontal motion')
    height_drift: float = number(
        0.03, 0.0, 1.0, 'How far the height of somebody unseen wanders in a second (m)'
    )
    velocity_memory: float = number(
        1.5, 0.1, 60.0, 'Time after which an unseen person is thought to have stopped (s)'
    )
    systematic_std: float = number(
        0.03,
        0.0,
        1.0,
        'Error of calibration and synchronisation, which does not average out (m)',
    )
    seen_correlation: float = number(
        0.1, 0.0, 5.0, 'Time over which successive faces share their error (s)'
    )
    heard_correlation: float = number(
        0.2, 0.0, 5.0, 'Time over which successive sounds share their error (s)'
    )
    birth_quality: float = number(
        0.6,
        0.0,
        1.0,
        'A voice without a face is confirmed only by sounds of at least this quality; an echo is '
        'always weaker than its voice',
    )
    confirm_seen: float = number(
        0.06, 0.0, 5.0, 'A face is confirmed after this much evidence (s), not before'
    )
    confirm_existence: float = number(
        0.9, 0.5, 0.99, 'A face is confirmed when somebody is there with this probability'
    )
    lost_existence: float = number(
        0.2, 0.0, 0.9, 'A person who is there with less than this probability is dropped'
    )
    confirm_heard: float = number(
        0.4, 0.0, 5.0, 'A voice without a face is confirmed after this much evidence (s)'
    )
    follows_heads: bool = switch(
        True,
        'The fusion model follows heads that turn away, as networks do: people in plain view who '
        'are not found have left',
    )
    tentative_patience: float = number(
        0.5, 0.04, 10.0, 'A tentative track without evidence for this long is dropped (s)'
    )
    patience: float = number(
        4.0,
        0.1,
        60.0,
        'A seen person without evidence for this long is dropped, even out of view (s)',
    )
    voice_patience: float = number(
        2.0, 0.1, 60.0, 'A voice that never had a face is dropped after this silence (s)'
    )
    memory: float = number(
        30.0, 0.0, 600.0, 'A dropped person who returns within this time keeps the id (s)'
    )
    speaking_on: float = number(0.6, 0.0, 1.0, 'Speaking begins above this probability')
    speaking_off: float = number(0.45, 0.0, 1.0, 'Speaking ends below this probability')
    speaking_attack: float = number(
        0.1, 0.0, 5.0, 'Time over which a speaking probability that rises is averaged (s)'
    )
    speaking_release: float = number(
        0.15, 0.0, 5.0, 'Time over which a speaking probability that falls is averaged (s)'
    )

    def __post_init__(self) -> None:
        """Check every value, and thresholds of one thing against each other."""
        super().__post_init__()
        if self.speaking_off > self.speaking_on:
            raise InputError('speaking_off must not be above speaking_on')
        if self.lost_existence >= self.confirm_existence:
            raise InputError('lost_existence must be below confirm_existence')
