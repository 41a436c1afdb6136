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

"""Fits the coefficients with which the acoustic stage tells speech: of peaks, and of faces.

First by logistic regression of all that is known. Then slope and constant are set anew for what is
done with the probability: that of a face goes through the filter of the tracker, that of a peak is
compared with one half at once. The best F1 is taken with at most 3 % of false alarms while nobody
talks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit

from av_tracker_nodes.acoustics import AcousticConfig
from av_tracker_nodes.acoustics.activity import speech_probability
from av_tracker_nodes.association import TrackerConfig
from av_tracker_nodes.recordings.folders import make_folder
from av_tracker_nodes.recordings.json_files import write_json
from av_tracker_nodes.research.evaluation.sheets import Sheet, figure, print_sheets
from av_tracker_nodes.research.evaluation.statistics import ratio, written
from av_tracker_nodes.research.parallel import all_in_processes
from av_tracker_nodes.research.progress import ProgressBar
from av_tracker_nodes.research.simulation.scene import FRAME_RATE
from av_tracker_nodes.research.training.speech_samples import EVERY, Samples, scene_samples

FIRST_SEED = {'train': 600, 'validation': 1700}
SCENES = {'train': 96, 'validation': 48}
COEFFICIENTS = 'speech.json'

_MOST_FALSE_ALARMS = 0.03
_RIDGE = 1e-3
_SLOPES = np.geomspace(0.5, 3.0, 12)
_SHIFTS = np.linspace(-3.0, 3.0, 61)
_CONSTANT, _OF_PAIR = 2, 3
"""Of the coefficients."""
_PAIR = 2
"""Microphones whose false alarms are limited apart: they are the most easily deceived."""
_OWN = 0.9
"""Faces with less of a beam than this are not learnt from."""

Decide = Callable[[Samples, np.ndarray], np.ndarray]
"""Makes decisions (n,) of samples and of the log-odds (n,) of each."""


@dataclass(frozen=True)
class Fit:
    """What was fitted for peaks or for faces.

    Attributes
    ----------
    regressed : tuple of float
        By logistic regression.
    coefficients : tuple of float
        With slope and constant for the decision: `AcousticConfig.peak_speech`, `face_speech`.
    constants : dict of int to float
        What the regression would add to its constant for each number of microphones alone.
    """

    regressed: tuple[float, ...]
    coefficients: tuple[float, ...]
    constants: dict[int, float]


def calibrate_speech(
    out: Path,
    sounds: Path,
    progress_bar: ProgressBar,
    jobs: int = 1,
    scenes: dict[str, int] | None = None,
) -> dict:
    """Fit the coefficients on training scenes and judge them on validation scenes.

    Parameters
    ----------
    out : Path
        Folder for ``speech.json``.
    sounds : Path
        Folder in which rendered sound is kept, for another fit.
    progress_bar : ProgressBar
    jobs : int
        Processes.
    scenes : dict of str to int, optional
        Of each split; `SCENES` if left out.

    Returns
    -------
    dict
        ``peak_speech`` and ``face_speech``; ``regressed``, ``constants_by_microphones`` and
        ``validation``: the scores of these and of the present coefficients by number of
        microphones.

    Raises
    ------
    InputError
        When something cannot be written, or the packages of the simulator are missing.
    """
    scenes = scenes or SCENES
    make_folder(out)
    tasks = {
        (split, seed): (seed, sounds)
        for split, count in scenes.items()
        for seed in range(FIRST_SEED[split], FIRST_SEED[split] + count)
    }
    with progress_bar('listening to simulated scenes') as progress:
        heard = all_in_processes(scene_samples, tasks, jobs, progress)
    found: dict[str, dict] = {'regressed': {}, 'constants_by_microphones': {}, 'validation': {}}
    for number, (place, use) in enumerate(USES.items()):
        name = f'{place}_speech'
        train, validation = (
            Samples.join(heard[key][number] for key in sorted(tasks) if key[0] == split)
            for split in ('train', 'validation')
        )
        present = getattr(AcousticConfig(), name)
        fit = fit_coefficients(train, len(present), use)
        found[name] = fit.coefficients
        found['regressed'][name] = fit.regressed
        found['constants_by_microphones'][name] = fit.constants
        found['validation'][name] = {
            label: scores_by_microphones(validation, coefficients, use.decide)
            for label, coefficients in (('present', present), ('fitted', fit.coefficients))
        }
    write_json(out / COEFFICIENTS, found)
    _print(found)
    return found


def features(samples: Samples, count: int) -> np.ndarray:
    """Return what each coefficient of `activity.speech_probability` is multiplied by.

    Parameters
    ----------
    samples : Samples
    count : int
        Coefficients.

    Returns
    -------
    np.ndarray, shape (n, count)
    """
    places = zip(samples.coherence, samples.microphones, samples.voice, strict=True)
    units = [tuple(row) for row in np.eye(count)]
    table = [[speech_probability(*place, unit) for unit in units] for place in places]
    return logit(np.array(table).reshape(-1, count))


def fit_coefficients(samples: Samples, count: int, use: Use) -> Fit:
    """Fit so many coefficients."""
    table = features(samples, count)
    own = samples.known & (samples.share > _OWN)
    regressed = regress(table[own], samples.speech[own])
    odds = table @ regressed
    pair = samples.microphones == _PAIR
    slope, shift = best_decision(samples.where(~pair), odds[~pair], use.decide, use.slopes)
    _, of_pair = best_decision(samples.where(pair), odds[pair], use.decide, [slope])
    coefficients = slope * regressed
    coefficients[_CONSTANT] += shift
    coefficients[_OF_PAIR] += of_pair - shift
    groups = {int(m): own & (samples.microphones == m) for m in np.unique(samples.microphones)}
    constants = {m: _offset(odds[group], samples.speech[group]) for m, group in groups.items()}
    return Fit(_rounded(regressed), _rounded(coefficients), constants)


def regress(table: np.ndarray, speech: np.ndarray) -> np.ndarray:
    """Logistic regression of speech (n,) on features (n, k) by maximum likelihood.

    A slight ridge keeps what separates perfectly finite.
    """
    signs = np.where(speech, 1.0, -1.0)

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        margins = signs * (table @ weights)
        slopes = -signs * expit(-margins)
        gradient = table.T @ slopes / len(signs) + _RIDGE * weights / len(signs)
        penalty = 0.5 * _RIDGE * weights @ weights / len(signs)
        return float(np.logaddexp(0, -margins).mean() + penalty), gradient

    return minimize(loss, np.zeros(table.shape[1]), jac=True, method='BFGS').x


def best_decision(
    samples: Samples, odds: np.ndarray, decide: Decide, slopes: Sequence[float]
) -> tuple[float, float]:
    """Find the slope and the shift of log-odds (n,) of the best F1 with few false alarms."""
    best, chosen = -1.0, (float(slopes[0]), 0.0)
    for slope in slopes:
        for shift in _SHIFTS:
            scores = decision_scores(samples, decide(samples, slope * odds + shift))
            few = scores['false_alarms'] <= _MOST_FALSE_ALARMS
            if few and scores['f1'] > best:
                best, chosen = scores['f1'], (float(slope), float(shift))
    return chosen


def decide_at_once(samples: Samples, odds: np.ndarray) -> np.ndarray:
    """Whether each sample alone is more likely speech than not."""
    return odds > 0


def decide_over_time(samples: Samples, odds: np.ndarray) -> np.ndarray:
    """Whether each face is said to speak by the default `SpeakingFilter` of the tracker."""
    config, seconds = TrackerConfig(), EVERY / FRAME_RATE
    attack, release = (
        1 - np.exp(-seconds / memory)
        for memory in (config.speaking_attack, config.speaking_release)
    )
    sequences = _sequences(samples)
    longest = max(map(len, sequences), default=0)
    inside = np.arange(longest) < np.array([len(one) for one in sequences])[:, None]
    evidence, said = np.zeros(inside.shape), np.zeros(inside.shape, bool)
    order = np.concatenate(sequences)
    evidence[inside] = (samples.share * expit(odds))[order]
    average, speaks = np.zeros(len(sequences)), np.zeros(len(sequences), bool)
    for step in range(longest):
        rising = evidence[:, step] > average
        average += np.where(rising, attack, release) * (evidence[:, step] - average)
        speaks = average > np.where(speaks, config.speaking_off, config.speaking_on)
        said[:, step] = speaks
    decisions = np.empty(len(samples), bool)
    decisions[order] = said[inside]
    return decisions


@dataclass(frozen=True)
class Use:
    """How the probability of a place is used.

    Attributes
    ----------
    decide : callable
    slopes : np.ndarray
        By which its log-odds may be multiplied; to what is compared at once they are all one.
    """

    decide: Decide
    slopes: np.ndarray


USES = {'peak': Use(decide_at_once, np.ones(1)), 'face': Use(decide_over_time, _SLOPES)}


def decision_scores(samples: Samples, said: np.ndarray) -> dict[str, float]:
    """Compare decisions with what is known.

    Returns
    -------
    dict
        f1, precision, recall, and false_alarms: share of those samples called speech at which
        nobody talks anywhere.
    """
    known, speech = samples.known, samples.speech
    hits = int((said & speech & known).sum())
    misses = int((~said & speech & known).sum())
    false = int((said & ~speech & known).sum())
    quiet = known & samples.quiet
    return {
        'f1': ratio(2 * hits, 2 * hits + misses + false),
        'precision': ratio(hits, hits + false),
        'recall': ratio(hits, hits + misses),
        'false_alarms': ratio(int((said & quiet).sum()), int(quiet.sum())),
    }


def scores_by_microphones(
    samples: Samples,
    coefficients: Sequence[float],
    decide: Decide,
) -> dict[str, dict]:
    """Judge coefficients: with all microphones ('all') and by their number.

    Returns
    -------
    dict of dict
        See `decision_scores`; and log_loss: mean negative log-likelihood of what is known.
    """
    odds = features(samples, len(coefficients)) @ np.array(coefficients)
    said = decide(samples, odds)
    groups = {'all': np.ones(len(samples), bool)}
    groups |= {str(m): samples.microphones == m for m in np.unique(samples.microphones)}
    rows = {}
    for name, group in groups.items():
        chosen = samples.where(group)
        signs = np.where(chosen.speech, 1.0, -1.0)[chosen.known]
        loss = np.logaddexp(0, -signs * odds[group][chosen.known])
        scores = decision_scores(chosen, said[group]) | {'log_loss': float(loss.mean())}
        rows[name] = {key: written(value) for key, value in scores.items()}
    return rows


def _offset(odds: np.ndarray, speech: np.ndarray) -> float:
    """Constant that log-odds lack, by maximum likelihood."""
    low, high = -10.0, 10.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (
            (middle, high) if expit(odds + middle).mean() < speech.mean() else (low, middle)
        )
    return round((low + high) / 2, 2)


def _sequences(samples: Samples) -> list[np.ndarray]:
    """Split the indices of samples by person and scene, in order of time."""
    order = np.lexsort((samples.time, samples.person, samples.scene))
    same = np.stack([samples.scene[order], samples.person[order]])
    return np.split(order, np.flatnonzero((np.diff(same) != 0).any(axis=0)) + 1)


def _rounded(values: np.ndarray) -> tuple[float, ...]:
    return tuple(round(float(value), 3) for value in values)


def _print(found: dict) -> None:
    for place in USES:
        name = f'{place}_speech'
        title = f'{name} = {found[name]} (simulated validation scenes)'
        scores = found['validation'][name]['present']['all']
        rows = [
            [microphones, label, *(figure(value, '.3f') for value in row.values())]
            for label, judged in found['validation'][name].items()
            for microphones, row in judged.items()
        ]
        print_sheets([Sheet(title, ['microphones', 'coefficients', *scores], rows)])
        print(f'constants by microphones: {found["constants_by_microphones"][name]}')
