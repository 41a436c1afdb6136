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

"""How much of the images and the sound of a run was used, and why the rest was not."""

from __future__ import annotations

from dataclasses import dataclass

MOST_UNUSED = 0.05
"""A run that leaves more of its images or sound unused (share) did not do what was asked."""


@dataclass(frozen=True)
class Usage:
    """What came, and what became of it.

    Attributes
    ----------
    images : int
        Images that came.
    unreadable, unplaced, misfits, unanswered : int
        Of these: could not be decoded, came while it was not known where the camera was, have
        another size than their calibration, were never answered.
    passed_over : int
        Images that are answered by where people were expected: more came than are looked at.
    faces : int
        Faces in all images together.
    answers : int
        Answers to images that were not passed over, and to sound alone.
    heard : int
        Of these: with sound.
    span : float
        Time from the first to the last answer (s).
    sound : float
        Sound that came and could be read (s).
    sound_unreadable : int
        Blocks of sound that could not be used.
    sees, hears : bool
        Whether images and sound were wanted.
    """

    images: int
    unreadable: int = 0
    unplaced: int = 0
    misfits: int = 0
    unanswered: int = 0
    passed_over: int = 0
    faces: int = 0
    answers: int = 0
    heard: int = 0
    span: float = 0.0
    sound: float = 0.0
    sound_unreadable: int = 0
    sees: bool = True
    hears: bool = True

    @property
    def images_used(self) -> int:
        """Images that were looked at and answered."""
        unused = self.unreadable + self.unplaced + self.misfits + self.unanswered
        return max(self.images - unused, 0)

    @property
    def images_unused(self) -> float:
        """Share of the images that was not used."""
        if not self.images or not self.sees:
            return 0.0
        return (self.images - self.images_used) / self.images

    @property
    def sound_unused(self) -> float:
        """Share of the sound that was not used.

        Sound that lasts as long as the answers belongs to each of them; where less came, to as
        many as it lasts for.
        """
        if not self.hears or not self.sound or not self.answers:
            return 0.0
        expected = self.answers * min(self.sound / max(self.span, 1e-9), 1.0)
        # The sound may be so short that nothing of it can be expected in an answer.
        return max((expected - self.heard) / expected, 0.0) if expected > 0 else 0.0

    def problems(self) -> list[str]:
        """Say what went unused against the wish of the user; empty when all is well."""
        found = []
        if self.images_unused > MOST_UNUSED:
            found.append(f'{self.images_unused:.0%} of the images were not used: {self._why()}')
        if self.sound_unused > MOST_UNUSED:
            found.append(f'{self.sound_unused:.0%} of the sound was not used')
        if self.hears and self.answers and not self.sound:
            found.append('no sound came')
        return found

    def describe(self) -> str:
        """Say in a line what was used."""
        parts = []
        if self.sees:
            why = [self._why()] if self.images_used < self.images else []
            if self.passed_over:
                why.append(f'{self.passed_over} passed over')
            told = f' ({", ".join(why)})' if why else ''
            parts.append(f'{self.images_used} of {self.images} images{told}')
            parts.append(f'{self.faces} faces')
        if self.hears:
            count = self.sound_unreadable
            why = f' ({count} block{"s" if count > 1 else ""} could not be read)' if count else ''
            parts.append(f'{1 - self.sound_unused:.0%} of {self.sound:.1f} s of sound{why}')
        return f'used {", ".join(parts)}'

    def as_json(self) -> dict:
        """Return what ``run.json`` says of it."""
        images = {
            'came': self.images,
            'used': self.images_used,
            'unreadable': self.unreadable,
            'unplaced': self.unplaced,
            'misfits': self.misfits,
            'unanswered': self.unanswered,
            'passed_over': self.passed_over,
        }
        sound = {
            'seconds': round(self.sound, 3),
            'used_share': round(1 - self.sound_unused, 4),
            'unreadable_blocks': self.sound_unreadable,
        }
        return {
            'images': images if self.sees else None,
            'faces': self.faces if self.sees else None,
            'sound': sound if self.hears else None,
        }

    def _why(self) -> str:
        reasons = (
            (self.unreadable, 'could not be read'),
            (self.unplaced, 'came while the place of the camera was not known'),
            (self.misfits, 'have another size than their calibration'),
            (self.unanswered, 'were not answered'),
        )
        return ', '.join(f'{count} {reason}' for count, reason in reasons if count)
