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

"""What sound alone tells at an instant: its sources, which are voices, and what the maps show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from av_tracker_nodes.acoustics import kernels
from av_tracker_nodes.acoustics.activity import (
    BeamListener,
    VoiceActivity,
    speech_probability,
)
from av_tracker_nodes.acoustics.buffer import StampedAudio
from av_tracker_nodes.acoustics.channels import dead_channels
from av_tracker_nodes.acoustics.coherence_field import CoherenceField
from av_tracker_nodes.acoustics.config import AcousticConfig
from av_tracker_nodes.acoustics.delays import PairDelays
from av_tracker_nodes.acoustics.echoes import TAIL_FRAMES, EchoFinder, without_tails
from av_tracker_nodes.acoustics.frames import FieldCache, FrameCache, SpectralFrame
from av_tracker_nodes.acoustics.gcc_phat import GccPhat
from av_tracker_nodes.acoustics.masks import soft_masks
from av_tracker_nodes.acoustics.measures import Measure, Recollection, Shown
from av_tracker_nodes.acoustics.noise_floor import above, direct_share
from av_tracker_nodes.acoustics.noise_profile import NoiseInFrames, NoiseProfile
from av_tracker_nodes.acoustics.peaks import (
    Part,
    Source,
    SourceFinder,
    Survey,
    surround_inverse_ranges,
)
from av_tracker_nodes.acoustics.sparse_directions import (
    LARGEST,
    LONGEST_LINE,
    SparseDirections,
)
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import MicrophoneArray
from av_tracker_nodes.geometry.bearings import axis_of_line
from av_tracker_nodes.geometry.grid import directions, surround_grid
from av_tracker_nodes.geometry.region import SourceRegion

_LEAST_ECHO = 0.25
"""Sources weaker than this share of the strongest one are not looked at: nobody takes them for
people."""

_STRICT = 0.4
"""So much less of time and frequency is surely more than noise than is above the floor (chosen by
the recall of a talker beside a fan, validation seed 1001, a ReSpeaker)."""

_LEAST_SALIENCE = 1e-3
"""Nothing is salient in silence."""


@dataclass(frozen=True)
class Context:
    """What the last frames say, the newest ending at the stamp.

    Attributes
    ----------
    end : int
        Index after the last sample.
    frames, recent : list of SpectralFrame
        All that are looked at, and those that are averaged, oldest first.
    share : np.ndarray, shape (frames, bins)
        Of the power of the recent frames that is more than noise: what speech is judged by.
    salience : np.ndarray, shape (frames, bins)
        The same, where sources are sought; it takes noise for a source rather than miss one.
    whitened : np.ndarray, shape (frames, microphones, bins), complex64
        Spectra of the recent frames, zero of microphones that do not hear.
    noise : NoiseInFrames
        In the recent frames. Arrays that tell places apart in their field are told only of known
        noises where they come from: they find a fan that runs on and a voice beside each other.
    noisy : np.ndarray, shape (frames, bins)
        Share of the power of the recent frames that is noise, 0..1.
    alive : np.ndarray, shape (microphones,), bool
    """

    end: int
    frames: list[SpectralFrame]
    recent: list[SpectralFrame]
    share: np.ndarray
    salience: np.ndarray
    whitened: np.ndarray
    noise: NoiseInFrames
    noisy: np.ndarray
    alive: np.ndarray


@dataclass(frozen=True)
class Heard:
    """All that sound alone tells at a stamp.

    Attributes
    ----------
    context : Context
    sources : list of Source
    voices : list of float
        Log-odds that each source is a voice.
    echoes : set of int
        Indices of the sources that are voices, but echoes of stronger ones.
    residual : np.ndarray, shape (pairs, bins)
        Cross-spectra less the sources.
    shown : Survey
        What the maps show.
    age : float
        How long ago (s) that was heard, on average.
    """

    context: Context
    sources: list[Source]
    voices: list[float]
    echoes: set[int]
    residual: np.ndarray
    shown: Survey
    age: float


class Hearing:
    """Hears with one set of microphones what comes from a region.

    Parameters
    ----------
    array : MicrophoneArray
    region : SourceRegion
        In the array frame.
    measure : Measure
    backend : str
        ``cuda`` or ``numba``.
    voice : VoiceActivity
    config : AcousticConfig

    Attributes
    ----------
    array : MicrophoneArray
    region : SourceRegion
    delays : PairDelays
    gcc : GccPhat
    audio : StampedAudio
        The sound.
    finder : SourceFinder
        Of sources in the region.

    Raises
    ------
    InputError
        If no microphone pair can be formed, or the region is empty.
    """

    def __init__(
        self,
        array: MicrophoneArray,
        region: SourceRegion,
        measure: Measure,
        backend: str,
        voice: VoiceActivity,
        config: AcousticConfig,
    ) -> None:
        self.array = array
        self._measure = measure
        self._backend = backend
        self.delays = PairDelays.of(array, config.across, config.max_pairs)
        self.gcc = GccPhat(
            array.rate, self.delays.longest, config.frame, config.band, config.oversampling
        )
        memory = 2 * config.floor_memory + config.lateness
        self.audio = StampedAudio(int(array.channels.max()) + 1, array.rate, memory)
        self._frames = FrameCache(self.gcc, array.channels)
        self._noise = NoiseProfile(self.gcc, array.channels, self.delays.pairs, config)
        self._beam = BeamListener(voice, array, self.delays)
        self._echoes = EchoFinder(array, self._beam.bin_width)
        self._take_numbers(config)
        self.search_in(region)

    def search_in(self, region: SourceRegion) -> None:
        """Look for sources in another region, in the sound that is there.

        Raises
        ------
        InputError
            If the region is empty.
        """
        self.region = region
        points = surround_grid(
            self.array.centre,
            directions(np.deg2rad(self._config.surround_step)),
            surround_inverse_ranges(self.delays, self._config),
            region,
        )
        if len(points) == 0:
            raise InputError(
                'the room holds no point that sound could come from: check that it is a box in '
                'the array frame (m), around the microphones'
            )
        self._surround = CoherenceField(self.delays, self.gcc, points, self._backend)
        self.finder = self._make_finder()
        self._sparse = self._make_sparse()
        self._fields = FieldCache()
        self._rehearse()

    def reconfigure(self, config: AcousticConfig) -> None:
        """Go on with other numbers that are live, in the sound that is there."""
        self._take_numbers(config)
        self.finder = self._make_finder()
        self._sparse = self._make_sparse()

    def stand(self, up: np.ndarray) -> None:
        """Take note of which way is up: a unit vector (3,), array frame."""
        self._echoes.images.up = up

    @property
    def points(self) -> np.ndarray:
        """Grid over the region (m, array frame), shape (points, 3)."""
        return self._surround.points

    def forget(self) -> None:
        """Forget what was made of the sound, not the sound itself."""
        self._frames.reset()
        self._noise.reset()
        if self._sparse is not None:
            self._sparse.forget()

    def at(self, end: int, in_view: np.ndarray) -> Heard:
        """Find the sources before a sample, and choose what the maps show.

        Parameters
        ----------
        end : int
            Index after the last sample that is heard.
        in_view : np.ndarray, shape (points,), bool
            Points of the grid that the map shows.
        """
        context = self._context(end)
        view = self.finder.survey(self._cross(context))
        sources, residual = self._sources(context, view)
        voices, echoes = self._voices_and_echoes(context, sources)
        shown = self._measure.show(self._recollection(context, view, in_view), self._config)
        age = shown.frames_ago * self._frames.hop / self.gcc.rate
        return Heard(context, sources, voices, echoes, residual, shown.view, age)

    def _sources(self, context: Context, view: Survey) -> tuple[list[Source], np.ndarray]:
        """Find sources, best first, and the cross-spectra that they leave."""
        if self._sparse is None:
            return self.finder.find(view)
        places = self._sparse.find(context.end, context.recent, context.salience, context.alive)
        masks = soft_masks(
            places, context.whitened, context.salience, context.alive, self.delays, self.gcc
        )
        salient = context.salience / np.float32(context.salience.sum() + _LEAST_SALIENCE)
        portions = (masks * context.share).sum(axis=(1, 2)) + _LEAST_SALIENCE
        parts = [
            Part(
                place,
                self._weighted(context.whitened, context.alive, salient * mask),
                self._cross(context, mask),
                float((salient * mask).sum()),
                float(portion / portions.sum()),
            )
            for place, mask, portion in zip(places, masks, portions, strict=True)
        ]
        sources = self.finder.place(parts)
        return sources, view.cross - sum(source.cross for source in sources)

    def _voices_and_echoes(
        self, context: Context, sources: list[Source]
    ) -> tuple[list[float], set[int]]:
        """Judge sources by beams to them, which are compared to find echoes."""
        places = np.reshape([source.position for source in sources], (-1, 3))
        beams = self._beam.beams(self.audio, context.end, context.alive, places)
        voices = self._beam.judge(beams).tolist()
        suspects = self._suspects(context, sources, voices)
        covariances = np.reshape([source.covariance for source in sources], (-1, 3, 3))
        return voices, self._echoes.find(beams, places, covariances, suspects)

    def _suspects(self, context: Context, sources: list[Source], voices: list[float]) -> list[int]:
        """Name the sources that would pass for somebody who talks, and are not the strongest."""
        alive = int(context.alive.sum())
        return [
            number
            for number, (source, voice) in enumerate(zip(sources, voices, strict=True))
            if number > 0
            and source.score >= _LEAST_ECHO * sources[0].score
            and speech_probability(source.evidence, alive, voice, self._config.peak_speech) >= 0.5
        ]

    def voices(self, context: Context, places: list[np.ndarray]) -> list[float]:
        """Log-odds that a voice comes from each place (m, array frame), as beams to them tell."""
        return self._beam.listen(
            self.audio, context.end, context.alive, np.reshape(places, (-1, 3))
        ).tolist()

    def peak(self, view: Survey, in_view: np.ndarray) -> np.ndarray:
        """Find the highest peak among points of the grid that are in view (points,).

        Returns
        -------
        np.ndarray, shape (3,)
            Metres, array frame.
        """
        best = int(np.argmax(_in_view_only(view.field, in_view)))
        return self.finder.refine(view.correlation, self.points[best])

    def coverage(self, end: int) -> float:
        """Share of the samples of a context that were received."""
        length = (self._config.context - 1) * self._frames.hop + self.gcc.length
        return float(self.audio.received(end, length).mean())

    def _take_numbers(self, config: AcousticConfig) -> None:
        """Make all that goes by the numbers, but no tables."""
        self._config = config
        self._looks_back = max(config.context + 2 * TAIL_FRAMES, self._measure.looks_back(config))

    def _make_finder(self) -> SourceFinder:
        return SourceFinder(self.delays, self.gcc, self._surround, self.region, self._config)

    def _make_sparse(self) -> SparseDirections | None:
        """Small arrays and lines go by time and frequency, others by their field alone."""
        on_line = axis_of_line(self.array) is not None
        reach = self.delays.longest * self.delays.speed
        if len(self.delays.connected) > 1 or reach > (LONGEST_LINE if on_line else LARGEST):
            return None
        return SparseDirections(self.delays, self.gcc, self.region, self._config)

    def _rehearse(self) -> None:
        """Find and hear two made-up sources, so that all is compiled before sound comes."""
        places = self.points[[0, len(self.points) // 2]]
        spectrum = np.full(len(self.gcc.frequencies), 1 / len(self.gcc.frequencies), np.float32)
        band = self.gcc.first_bin, self.gcc.bin_width
        gains = np.full(len(self.delays.pairs), 0.5)
        cross = sum(
            kernels.delayed_spectrum(spectrum, gains, delays, *band)
            for delays in self.delays.at(places)
        )
        self.finder.find(self.finder.survey(cross))
        alive = np.ones(len(self.delays.microphones), bool)
        self._beam.listen(self.audio, 0, alive, places)

    # ---- frames and their cross-spectra

    def _context(self, end: int) -> Context:
        frames = self._frames.last(self.audio, end, self._looks_back)
        recent = frames[-self._config.context :]
        power = np.array([frame.power for frame in frames])
        level = np.mean([frame.level for frame in recent], axis=0)
        alive = ~dead_channels(level)
        latest = power[-len(recent) :]
        noise = self._noise.at(self.audio, end).during(latest)
        salience = above(latest, noise.floor)
        if self._sparse is None:
            share, noise = salience, noise.with_lasting_from_anywhere()
        else:
            fresh = without_tails(np.ones_like(salience), power)
            share, salience = direct_share(latest, noise.power) * fresh, salience * fresh
        floor = np.minimum(noise.power, latest)
        noisy = np.divide(floor, latest, out=np.ones_like(latest), where=latest > 0)
        whitened = _whitened(recent, alive)
        return Context(end, frames, recent, share, salience, whitened, noise, noisy, alive)

    def _cross(self, context: Context, mask: np.ndarray | float = 1.0) -> np.ndarray:
        """Cross-spectra of what stands out from the noise, averaged over the context.

        What stands out holds noise as well: as much as there is in the mean, from where it comes.
        A mask (frames, bins) leaves what belongs to one source.
        """
        quiet = self._config.quiet_share * context.share.size
        if self._sparse is not None:
            quiet *= _STRICT
        weights = mask * context.share / np.float32(context.share.sum() + quiet)
        cross = self._weighted(context.whitened, context.alive, weights)
        return cross - context.noise.cross(weights * context.noisy)

    def _average(self, context: Context, frames: Sequence[SpectralFrame]) -> Survey:
        """Survey the average of frames, all frequencies alike."""
        shape = len(frames), len(self.gcc.frequencies)
        weights = np.full(shape, 1 / np.prod(shape), np.float32)
        whitened = _whitened(frames, context.alive)
        return self.finder.survey(self._weighted(whitened, context.alive, weights))

    def _weighted(
        self, whitened: np.ndarray, alive: np.ndarray, weights: np.ndarray
    ) -> np.ndarray:
        """Weighted cross-spectra (pairs, bins) of frames; pairs that hear make up for others."""
        pairs = self.delays.pairs
        heard = alive[pairs].all(axis=1).sum()
        if heard == 0:
            return np.zeros((len(pairs), weights.shape[1]), np.complex64)
        return kernels.weighted_cross(whitened, weights * np.float32(len(pairs) / heard), pairs)

    # ---- what the maps show

    def _recollection(self, context: Context, view: Survey, in_view: np.ndarray) -> Recollection:
        """Gather what the measure chooses from."""
        weight = context.share.sum(axis=1)
        ages = np.arange(len(weight))[::-1]
        age = float(weight @ ages / weight.sum()) if weight.any() else 0.0
        return Recollection(
            frames=context.frames,
            prominent=Shown(view, age),
            average=partial(self._average, context),
            heights=partial(self._heights, context, in_view),
        )

    def _heights(
        self, context: Context, in_view: np.ndarray, frames: Sequence[SpectralFrame]
    ) -> np.ndarray:
        """Find the highest coherence in view in each frame alone, shape (frames,)."""
        fields = self._fields.of(
            frames, context.alive, lambda frame: self._average(context, [frame]).field
        )
        return np.array([_in_view_only(field, in_view).max() for field in fields])


def _whitened(frames: Sequence[SpectralFrame], alive: np.ndarray) -> np.ndarray:
    """Stack the spectra of frames (frames, microphones, bins), zero of who does not hear."""
    whitened = np.array([frame.whitened for frame in frames])
    whitened[:, ~alive] = 0
    return whitened


def _in_view_only(field: np.ndarray, in_view: np.ndarray) -> np.ndarray:
    """Field (points,) in view; all of it where nothing is."""
    return np.where(in_view, field, -np.inf) if in_view.any() else field
