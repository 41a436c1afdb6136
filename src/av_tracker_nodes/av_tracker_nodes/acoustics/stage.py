# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""The acoustic stage: samples and faces in, acoustic maps out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from av_tracker_nodes.acoustics.activity import (
    UNHEARD,
    BeamListener,
    VoiceActivity,
    speech_probability,
)
from av_tracker_nodes.acoustics.backend import choose_backend, load_kernels
from av_tracker_nodes.acoustics.buffer import StampedAudio
from av_tracker_nodes.acoustics.channels import dead_channels
from av_tracker_nodes.acoustics.coherence_field import CoherenceField
from av_tracker_nodes.acoustics.config import MEASURES, AcousticConfig
from av_tracker_nodes.acoustics.delays import PairDelays
from av_tracker_nodes.acoustics.enhancement import WeightedHistory
from av_tracker_nodes.acoustics.faces import FaceField, FaceVolume
from av_tracker_nodes.acoustics.frames import FieldCache, FrameCache, SpectralFrame
from av_tracker_nodes.acoustics.gcc_phat import GccPhat
from av_tracker_nodes.acoustics.image_map import ImageMap
from av_tracker_nodes.acoustics.noise_floor import NoiseFloor, direct_share
from av_tracker_nodes.acoustics.peaks import (
    Source,
    SourceFinder,
    Survey,
    surround_inverse_ranges,
)
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import MicrophoneArray, Rig
from av_tracker_nodes.geometry.grid import directions, image_grid, surround_grid
from av_tracker_nodes.geometry.ray_map import RayMap
from av_tracker_nodes.geometry.region import SourceRegion
from av_tracker_nodes.types import (
    AcousticMap,
    AcousticPeak,
    AudioBlock,
    FaceFrame,
    FaceSound,
    to_nanoseconds,
)

_NO_MAP = np.zeros((0, 0), np.float32)
"""Global map of a stage without a camera."""


@dataclass(frozen=True)
class _Context:
    """What the last frames say, the newest ending at the stamp.

    Attributes
    ----------
    end : int
        Index after the last sample.
    frames, recent : list of SpectralFrame
        All that are looked at, and those that are averaged, oldest first.
    share : np.ndarray, shape (frames, bins)
        Of the power of the recent frames that stands out from the noise floor.
    alive : np.ndarray, shape (microphones,), bool
    """

    end: int
    frames: list[SpectralFrame]
    recent: list[SpectralFrame]
    share: np.ndarray
    alive: np.ndarray


@dataclass(frozen=True)
class _Heard:
    """All that sound alone tells at a stamp.

    Attributes
    ----------
    context : _Context
    sources : list of Source
    voices : list of float
        Log-odds that each source is a voice.
    residual : np.ndarray, shape (pairs, bins)
        Cross-spectra less the sources.
    shown : Survey
        What the maps show.
    age : float
        Frames ago that it was heard, on average.
    values : np.ndarray, shape (rows, columns), float32
        Global map, at `depth` (m).
    depth : float
    """

    context: _Context
    sources: list[Source]
    voices: list[float]
    residual: np.ndarray
    shown: Survey
    age: float
    values: np.ndarray
    depth: float


class AcousticStage:
    """Finds where sound comes from at the time of an image.

    The result depends on the stamps and the samples, not on when either arrived.

    Parameters
    ----------
    rig : Rig or MicrophoneArray
        Microphones alone need no camera: their maps have no pixels.
    measure : str
        What the maps show; see below.
    backend : str
        ``auto``, ``cuda``, ``numba`` or ``numpy``.
    config : AcousticConfig

    Raises
    ------
    InputError
        If the measure or the backend is unknown, or no microphone pair can be formed.

    Notes
    -----
    With ``R_k`` the GCC-PHAT of pair k and ``tau_k(p)`` its delay at a point, every map rests on
    ``GCF_t(p) = 1/K sum_k R_k,t(tau_k(p))``. It is searched over all depths and all round, and
    shown as sGCF, the slice ``sGCF_t(x, y) = GCF_t(x, y, d)`` at the depth d of the highest peak
    in view; so sGCF is no measure of its own. The measures differ in what sound they show:

    ``gcf``
        the last frame t.
    ``stgcf``
        the frame t - m with the highest ``(1 - 0.0125 m) max GCF_(t-m)``, m = 0 ... 14 (Li, Liu
        and Tang 2022); or the average of the k best, ``1/k sum GCF_(t-m)``.
    ``vggcf``
        what stood out from the noise in the last 220 ms, and for each face i
        ``vgGCF_i(x, y) = GCF_i(x, y, d)`` over its box, d the range of the peak in the volume of
        the face and ``GCF_i`` the field less the sources that are not its own.
    ``vwswe``
        the same, the faces with their history: `enhancement`.

    ``gcf`` and ``stgcf`` have maps of faces too, cut out of the frames that they show. Peaks and
    speech rest on the last 220 ms whatever is shown.
    """

    def __init__(
        self,
        rig: Rig | MicrophoneArray,
        measure: str = 'vggcf',
        backend: str = 'auto',
        config: AcousticConfig | None = None,
    ) -> None:
        if measure not in MEASURES:
            raise InputError(f"unknown measure '{measure}': choose one of {', '.join(MEASURES)}")
        self.config = config or AcousticConfig()
        self.measure = measure
        self._looks_back = self.config.stgcf_frames if measure == 'stgcf' else 1
        self.backend = choose_backend(backend)
        self._kernels = load_kernels(self.backend)
        self._voice = VoiceActivity(self.config.voice_frames)
        self._rig: Rig | None = None
        self._sight: RayMap | None = None
        self._ahead: _Heard | None = None
        self.set_rig(rig)

    def set_rig(self, rig: Rig | MicrophoneArray) -> None:
        """Use another geometry; tables last while the microphones and the region of sound stay."""
        rig = Rig(None, rig) if isinstance(rig, MicrophoneArray) else rig
        before, self._rig = self._rig, rig
        self._ahead = None
        if before is None or not _same_microphones(before, rig):
            self._listen_with(rig)
        elif not self._region.is_same(SourceRegion.of(rig)):
            self._search_in(rig)
        self._look_with(rig)

    def reset(self) -> None:
        """Forget all sound."""
        self._audio.reset()
        self._forget()

    def add(self, block: AudioBlock) -> bool:
        """Take samples in.

        Returns
        -------
        bool
            True if the stream has begun anew with them.

        Raises
        ------
        InputError
            If the channels or the rate do not fit the array.
        """
        if self._ahead is not None and block.first_sample < self._ahead.context.end:
            # It fills a gap in what was prepared.
            self._ahead = None
            self._frames.reset()
            self._floor.reset()
        restarted = self._audio.add(block)
        if restarted:
            self._forget()
        return restarted

    def covers(self, stamp: int) -> bool:
        """Tell whether all samples before a time (ns) have come."""
        return self._audio.covers(stamp)

    def prepare(self, stamp: int) -> None:
        """Do the part of :meth:`process` that needs no faces; it does not have to be called.

        Parameters
        ----------
        stamp : int
            Of the image whose faces are awaited (ns), the sound before which has come.
        """
        if self.covers(stamp):
            self._ahead = self._listen(self._audio.index_at(stamp))

    def listen(self, stamp: int) -> AcousticMap:
        """Find the sources of the sound that ends at a stamp (ns), without any image.

        Returns
        -------
        AcousticMap
            Its peaks have direction, position, covariance (array frame) and speech.
        """
        return self.process(FaceFrame(stamp, (0, 0)), from_image=False)

    def process(self, faces: FaceFrame, from_image: bool = True) -> AcousticMap:
        """Map the sound that ends at the stamp of an image.

        Parameters
        ----------
        faces : FaceFrame
            Of that image.
        from_image : bool
            False when no image came and the stamp is an instant of the sound.

        Returns
        -------
        AcousticMap

        Raises
        ------
        InputError
            There are faces, but no camera that saw them.
        """
        if faces.faces and self._camera is None:
            raise InputError('faces need a camera: give the acoustic stage a rig that has one')
        self._images += 1
        end = None if self._audio.empty else self._audio.index_at(faces.stamp)
        if end is None:
            return self._silence(faces, from_image)
        heard = self._listen(end)
        self._ahead = None
        sounds, peaks = self._sounds(faces, heard)
        age = to_nanoseconds(heard.age * self._frames.hop / self._gcc.rate)
        return AcousticMap(
            stamp=faces.stamp,
            audio_stamp=faces.stamp - age,
            measure=self.measure,
            values=heard.values,
            pitch=self._pitch,
            depth=heard.depth,
            coverage=self._coverage(end),
            dead_channels=tuple(np.flatnonzero(~heard.context.alive).tolist()),
            peaks=peaks,
            faces=sounds,
            from_image=from_image,
        )

    # ---- geometry

    def _listen_with(self, rig: Rig) -> None:
        config, array = self.config, rig.microphones
        self._delays = PairDelays.of(array, config.across, config.max_pairs)
        self._gcc = GccPhat(
            array.rate, self._delays.longest, config.frame, config.band, config.oversampling
        )
        memory = config.floor_memory + 2.0
        self._audio = StampedAudio(int(array.channels.max()) + 1, array.rate, memory)
        self._frames = FrameCache(self._gcc, array.channels)
        self._floor = NoiseFloor(self._gcc, array.channels, config)
        self._beam = BeamListener(self._voice, array, self._delays, self._kernels)
        self._history = WeightedHistory(config.history)
        self._images = 0
        self._search_in(rig)

    def _search_in(self, rig: Rig) -> None:
        config = self.config
        self._region = SourceRegion.of(rig)
        points = surround_grid(
            rig.microphones.centre,
            directions(np.deg2rad(config.surround_step)),
            surround_inverse_ranges(self._delays, config),
            self._region,
        )
        if len(points) == 0:
            raise InputError(
                'the room holds no point that sound could come from: check that it is a box in '
                'the array frame (m), around the microphones'
            )
        self._surround = CoherenceField(self._delays, self._gcc, points, self.backend)
        self._finder = SourceFinder(
            self._delays, self._gcc, self._surround, self._kernels, self._region, config
        )
        self._fields = FieldCache()
        self._rehearse()

    def _rehearse(self) -> None:
        """Find and hear two made-up sources, so that all is compiled before sound comes."""
        places = self._surround.points[[0, len(self._surround.points) // 2]]
        spectrum = np.full(len(self._gcc.frequencies), 1 / len(self._gcc.frequencies), np.float32)
        band = self._gcc.first_bin, self._gcc.bin_width
        gains = np.full(len(self._delays.pairs), 0.5)
        cross = sum(
            self._kernels.delayed_spectrum(spectrum, gains, delays, *band)
            for delays in self._delays.at(places)
        )
        self._finder.find(self._finder.survey(cross))
        alive = np.ones(len(self._delays.microphones), bool)
        self._beam.listen(self._audio, 0, alive, places)

    def _look_with(self, rig: Rig) -> None:
        self._camera = rig.camera_in_array
        if self._camera is None:
            self._sight = self._image_map = None
            self._pitch = 0.0
            self._in_view = np.zeros(len(self._surround.points), bool)
            return
        self._pitch = rig.camera.size[0] / self.config.columns
        self._sight = self._sight.follow(self._camera) if self._sight else RayMap(self._camera)
        shape = image_grid(rig.camera.size, self._pitch).shape[:2]
        self._image_map = ImageMap(
            self._delays, self._gcc, self._camera, shape, self._pitch, self._kernels
        )
        pixels = self._camera.project(self._surround.points)
        self._in_view = self._camera.contains(np.nan_to_num(pixels, nan=-1.0))

    def _forget(self) -> None:
        self._ahead = None
        self._frames.reset()
        self._floor.reset()
        self._history.reset()

    # ---- sound

    def _listen(self, end: int) -> _Heard:
        """Find the sources before a sample, and map the field; at once where it was prepared."""
        if self._ahead is not None and self._ahead.context.end == end:
            return self._ahead
        context = self._context(end)
        view = self._finder.survey(self._cross(context))
        sources, residual = self._finder.find(view)
        voices = self._voices(context, [source.position for source in sources])
        age, shown = self._shown(context, view)
        return _Heard(context, sources, voices, residual, shown, age, *self._global_map(shown))

    def _context(self, end: int) -> _Context:
        count = max(self.config.context, self._looks_back)
        frames = self._frames.last(self._audio, end, count)
        recent = frames[-self.config.context :]
        power = np.array([frame.power for frame in recent])
        level = np.mean([frame.level for frame in recent], axis=0)
        share = direct_share(power, self._floor.at(self._audio, end))
        return _Context(end, frames, recent, share, ~dead_channels(level))

    def _cross(self, context: _Context) -> np.ndarray:
        """Cross-spectra of what stands out from the noise, averaged over the context."""
        quiet = self.config.quiet_share * context.share.size
        weights = context.share / np.float32(context.share.sum() + quiet)
        return self._weighted(context, context.recent, weights)

    def _plain_view(self, context: _Context, frames: list[SpectralFrame]) -> Survey:
        """Survey the average of frames, all frequencies alike."""
        shape = len(frames), len(self._gcc.frequencies)
        weights = np.full(shape, 1 / np.prod(shape), np.float32)
        return self._finder.survey(self._weighted(context, frames, weights))

    def _weighted(
        self, context: _Context, frames: list[SpectralFrame], weights: np.ndarray
    ) -> np.ndarray:
        whitened = np.array([frame.whitened for frame in frames])
        whitened[:, ~context.alive] = 0
        pairs = self._delays.pairs
        heard = context.alive[pairs].all(axis=1).sum()
        if heard == 0:
            return np.zeros((len(pairs), weights.shape[1]), np.complex64)
        return self._kernels.weighted_cross(
            whitened, weights * np.float32(len(pairs) / heard), pairs
        )

    def _shown(self, context: _Context, view: Survey) -> tuple[float, Survey]:
        """Choose what the maps show, and tell how many frames ago it was heard on average."""
        if self.measure == 'gcf':
            return 0, self._plain_view(context, context.frames[-1:])
        if self.measure == 'stgcf':
            return self._best_frames(context)
        weight = context.share.sum(axis=1)
        ages = np.arange(len(weight))[::-1]
        return float(weight @ ages / weight.sum()) if weight.any() else 0.0, view

    def _best_frames(self, context: _Context) -> tuple[float, Survey]:
        """Average the frames of the highest peaks in view (stGCF), the newest preferred."""
        fields = self._fields.of(
            context.frames[-self.config.stgcf_frames :],
            context.alive,
            lambda frame: self._plain_view(context, [frame]).field,
        )
        peaks = np.array([self._in_view_only(field).max() for field in fields[::-1]])
        score = peaks * (1 - self.config.stgcf_decay * np.arange(len(peaks)))
        ages = np.argsort(-score, kind='stable')[: self.config.stgcf_best]
        ages = ages[score[ages] > 0] if score.max() > 0 else ages[:1]
        frames = [context.frames[-1 - age] for age in ages]
        return float(ages.mean()), self._plain_view(context, frames)

    def _coverage(self, end: int) -> float:
        length = (self.config.context - 1) * self._frames.hop + self._gcc.length
        return float(self._audio.received(end, length).mean())

    # ---- maps

    def _in_view_only(self, field: np.ndarray) -> np.ndarray:
        return np.where(self._in_view, field, -np.inf) if self._in_view.any() else field

    def _global_map(self, view: Survey) -> tuple[np.ndarray, float]:
        """Map the slice at the depth of the peak in view (sGCF); nothing without a camera."""
        if self._camera is None:
            return _NO_MAP, float('nan')
        best = int(np.argmax(self._in_view_only(view.field)))
        position = self._finder.refine(view.correlation, self._surround.points[best])
        depth = max(float(self._camera.depth(position)), self.config.min_range)
        return self._image_map(view.correlation, [depth])[0], depth

    def _sounds(
        self, faces: FaceFrame, heard: _Heard
    ) -> tuple[tuple[FaceSound, ...], tuple[AcousticPeak, ...]]:
        """Tell what each face sounds like, and each source."""
        context, sources = heard.context, heard.sources
        volumes = [FaceVolume.behind(self._sight, face, self.config) for face in faces.faces]
        owners = self._owners(volumes, sources)
        fields = [
            self._field(volume, self._gcc.correlate(_own(number, sources, owners, heard.residual)))
            for number, volume in enumerate(volumes)
        ]
        voices = self._face_voices(heard, owners, fields)
        sounds = tuple(
            self._face_sound(face.tracklet, volume, field, voice, heard.shown, context)
            for face, volume, field, voice in zip(
                faces.faces, volumes, fields, voices, strict=True
            )
        )
        self._history.forget_before(self._images)
        peaks = tuple(
            self._peak(source, voice, context)
            for source, voice in zip(sources, heard.voices, strict=True)
        )
        return sounds, peaks

    def _voices(self, context: _Context, places: list[np.ndarray]) -> list[float]:
        """Log-odds that a voice comes from each place (m, array frame), as beams to them tell."""
        return self._beam.listen(
            self._audio, context.end, context.alive, np.reshape(places, (-1, 3))
        ).tolist()

    def _face_voices(
        self, heard: _Heard, owners: list[int | None], fields: list[FaceField]
    ) -> list[float]:
        """Log-odds that each face is a voice.

        A face shares the beam of its strongest source; one without, from where hardly anything
        comes, is not listened to. What its beam hears of the sources is taken off.
        """
        voices = {face: heard.voices[owners.index(face)] for face in owners if face is not None}
        others = [
            face
            for face, field in enumerate(fields)
            if face not in voices and field.peak >= self.config.min_score
        ]
        if others:
            places = [source.position for source in heard.sources]
            places += [fields[face].position for face in others]
            beams = self._voices(heard.context, places)[len(heard.sources) :]
            voices |= zip(others, beams, strict=True)
        return [voices.get(face, UNHEARD) for face in range(len(fields))]

    def _owners(self, volumes: list[FaceVolume], sources: list[Source]) -> list[int | None]:
        """Give each source to the face that explains its place best, if one does."""
        owners = []
        for source in sources:
            distances = [volume.distance(source.position, source.covariance) for volume in volumes]
            nearest = int(np.argmin(distances)) if distances else None
            near = nearest is not None and distances[nearest] < self.config.face_gate
            owners.append(nearest if near else None)
        return owners

    def _field(self, volume: FaceVolume, correlation: np.ndarray) -> FaceField:
        points = volume.points
        values = self._finder.coherence_of(correlation, points.reshape(-1, 3))
        return FaceField.of(volume, values.reshape(points.shape[:-1]), self.config)

    def _face_sound(
        self,
        tracklet: int,
        volume: FaceVolume,
        field: FaceField,
        voice: float,
        shown: Survey,
        context: _Context,
    ) -> FaceSound:
        speech = speech_probability(
            field.peak, int(context.alive.sum()), voice, self.config.face_speech
        )
        if self.measure in ('gcf', 'stgcf'):
            field = self._field(volume, shown.correlation)
        values = field.values
        if self.measure == 'vwswe':
            values = self._history.enhance(tracklet, self._images, values)
        return FaceSound(
            tracklet,
            values,
            field.peak,
            field.mean,
            field.position,
            field.range,
            field.range_std,
            speech,
        )

    def _peak(self, source: Source, voice: float, context: _Context) -> AcousticPeak:
        speech = speech_probability(
            source.score, int(context.alive.sum()), voice, self.config.peak_speech
        )
        return AcousticPeak(
            source.position, source.covariance, source.direction, source.score, speech
        )

    def _silence(self, faces: FaceFrame, from_image: bool) -> AcousticMap:
        """Map of nothing, before any sound came."""
        zeros = np.zeros((self.config.face_rows, self.config.face_columns), np.float32)
        volumes = [FaceVolume.behind(self._sight, face, self.config) for face in faces.faces]
        sounds = tuple(
            FaceSound(
                face.tracklet,
                zeros,
                0.0,
                0.0,
                volume.centre,
                float(np.linalg.norm(volume.centre - self._camera.centre)),
                float(np.ptp(volume.ranges) / np.sqrt(12)),
                0.0,
            )
            for face, volume in zip(faces.faces, volumes, strict=True)
        )
        return AcousticMap(
            stamp=faces.stamp,
            audio_stamp=faces.stamp,
            measure=self.measure,
            values=np.zeros(self._image_map.shape, np.float32) if self._camera else _NO_MAP,
            pitch=self._pitch,
            depth=self.config.min_range if self._camera else float('nan'),
            coverage=0.0,
            faces=sounds,
            from_image=from_image,
        )


def _own(
    face: int, sources: list[Source], owners: list[int | None], residual: np.ndarray
) -> np.ndarray:
    """Cross-spectra of what can come from a face: its sources, and what no source explains."""
    return residual + sum(
        source.cross for source, owner in zip(sources, owners, strict=True) if owner == face
    )


def _same_microphones(first: Rig, second: Rig) -> bool:
    one, other = first.microphones, second.microphones
    arrays = ('positions', 'groups', 'channels')
    return (
        all(np.array_equal(getattr(one, name), getattr(other, name)) for name in arrays)
        and one.rate == other.rate
        and one.speed_of_sound == other.speed_of_sound
    )
