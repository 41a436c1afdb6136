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

"""Probability that there is somebody at all: the integrated PDA filter (Musicki 1994).

With odds ``o = P / (1 - P)`` the recursion of Musicki, Evans and Stankovic ("Integrated
probabilistic data association", IEEE TAC 39(6), 1994), which is that of the Bernoulli filter for
one target (Ristic, Vo, Vo and Farina, IEEE TSP 61(13), 2013), is::

    predicted        P <- P exp(-t / T)                 somebody may have left
    detected         o <- o P_D l(z) / c(z)             l: likelihood, c: density of clutter
    not detected     o <- o (1 - P_D)                   that is P <- P (1 - P_D) / (1 - P P_D)

Images that follow each other at once share their errors: a picture on the wall that looks like a
face does so again 40 ms later. Evidence therefore counts by `_LOOK`: an image is the share of one
look that has passed since the image before it.
"""

from __future__ import annotations

import numpy as np

from av_tracker_nodes.types import PROVES_NOBODY, log_odds

_LOOK = 0.3
"""Time (s) over which images tell one and the same thing."""
_PRIOR = 0.25
"""Share of heads among what is detected for the first time, before its score is known."""
_STAY = 60.0
"""Time constant with which people leave unnoticed (s)."""
_LEAST, _MOST = 0.001, 0.99
"""Nobody is surer than this: who was there for an hour can leave like everybody else."""
_WEAK_SCORE, _SURE_SCORE, _SURE_GAIN = 0.62, 0.75, 3.0
"""Below the first score a face tells nothing, as detectors find as many in clutter; from the
second on its likelihood ratio is ``exp(gain)``. Chosen on validation scenes (seed 1600)."""
_VOICE_GAIN = 1.6
"""Log of the likelihood ratio of a sure voice."""
_TALKATIVE = 0.5
"""Chance that who was heard last is heard in the next look."""
_SEEN_EASILY, _SEEN_HARDLY = 0.75, 0.3
"""Chance that a look finds a head in plain view: by a model that follows heads, where the faces
had sure scores; and where they had weak ones, or by a model that only knows faces, as who turned
away stays away for long (three validation scenes of multi_speaker: 0.6 is as good, 0.85 worse)."""


def score_gain(quality: float) -> float:
    """Logarithm of ``P_D l(z) / c(z)`` of a look that saw a head with this quality.

    Face detectors give false alarms low scores. A head that was followed without a face (quality
    up to `PROVES_NOBODY`) keeps at most what was known before: ``log(q / PROVES_NOBODY)``.
    """
    if not is_face(quality):
        return float(np.log(max(quality / PROVES_NOBODY, 1e-3)))
    return _SURE_GAIN * _sureness(quality)


def is_face(quality: float) -> bool:
    """Tell whether a quality is the score of a detected face, not of a head that was followed."""
    return quality > PROVES_NOBODY


class Existence:
    """Probability that a track is somebody.

    Parameters
    ----------
    quality : float
        Of the detection that starts it.
    seen : bool
        Whether that is a sight; a voice otherwise.
    """

    def __init__(self, quality: float, seen: bool) -> None:
        self._log_odds = log_odds(_PRIOR)
        self._score = self._unseen = 0.0
        if seen:
            self.seen(quality, _LOOK)
        else:
            self.heard(quality, _LOOK)

    @property
    def probability(self) -> float:
        """In [0, 1]."""
        return float(1 / (1 + np.exp(-self._log_odds)))

    def predict(self, seconds: float) -> None:
        """Let `seconds` pass."""
        self._add(0.0)
        survived = self.probability * np.exp(-seconds / _STAY)
        self._log_odds = log_odds(survived)
        self._unseen += seconds

    def seen(self, quality: float, seconds: float) -> None:
        """Take in a sight, `seconds` after the last image."""
        self._add(score_gain(quality) * _looks(seconds))
        self._unseen = 0.0
        if is_face(quality):
            fresh = _looks(seconds) if self._score > 0 else 1.0
            self._score += fresh * (quality - self._score)

    def heard(self, trust: float, seconds: float) -> None:
        """Take in a voice that is as sure as `trust` (0..1), `seconds` after the last cycle."""
        self._add(_VOICE_GAIN * trust * _looks(seconds))

    def unseen(self, visible: float, surely: bool, seconds: float) -> None:
        """Note that an image, `seconds` after the last one, does not show the head.

        A face detector blinks: right after a sight a miss tells little.

        Parameters
        ----------
        visible : float
            Chance that a head is to be seen at that place: in the picture, large, not hidden.
        surely : bool
            Whether a head that has turned away would be seen too: the model in use follows heads,
            and nobody is heard there, who must be turned away or behind something.
        seconds : float
        """
        independent = 1 - np.exp(-self._unseen / _LOOK)
        easy = _sureness(self._score) if surely else 0.0
        chance = visible * (_SEEN_HARDLY + easy * (_SEEN_EASILY - _SEEN_HARDLY))
        self._add(np.log1p(-chance) * independent * _looks(seconds))

    def unheard(self, seconds: float) -> None:
        """Note that a voice that never had a face is silent."""
        self._add(np.log1p(-_TALKATIVE) * _looks(seconds))

    def _add(self, evidence: float) -> None:
        least, most = log_odds(_LEAST), log_odds(_MOST)
        self._log_odds = float(np.clip(self._log_odds + evidence, least, most))


def _sureness(score: float) -> float:
    """Where a score lies between weak (0) and sure (1)."""
    return float(np.clip((score - _WEAK_SCORE) / (_SURE_SCORE - _WEAK_SCORE), 0.0, 1.0))


def _looks(seconds: float) -> float:
    """Share of a look that `seconds` are."""
    return min(max(seconds, 0.0) / _LOOK, 1.0)
