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

"""Speed of the acoustic map over the image, from samples to the whole map, beside other packages.

One setting for all: the two arrays and camera 1 of the meeting room without lens distortion,
frames of 640 samples at 16 kHz, 56 microphone pairs within the arrays, 120 x 96 points at 5
depths. What is timed on the CPU is what the acoustic stage runs.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numba import njit
from rich.console import Console

from av_tracker_nodes.acoustics import kernels
from av_tracker_nodes.acoustics.backend import cuda_available, torch_available
from av_tracker_nodes.acoustics.delays import PairDelays
from av_tracker_nodes.acoustics.gcc_phat import GccPhat
from av_tracker_nodes.acoustics.image_map import ImageMap
from av_tracker_nodes.acoustics.steered_response import steered_response
from av_tracker_nodes.geometry import Camera, MicrophoneArray
from av_tracker_nodes.geometry.grid import image_grid
from av_tracker_nodes.research.progress import ProgressBar
from av_tracker_nodes.research.simulation import meeting_room
from av_tracker_nodes.research.speed.peers import Peer, available_peers
from av_tracker_nodes.research.speed.speed_table import report
from av_tracker_nodes.research.speed.stopwatch import median_ms, milliseconds

_COLUMNS, _ROWS = 120, 96
_NEAREST, _FARTHEST = 0.8, 5.0
_DEPTHS, _PAPERS_DEPTHS = 5, 9
_ROUNDS, _PAPERS_ROUNDS = 200, 40
_SOURCE = (210.0, 120.0), 2.2
"""Pixel and depth (m) of the sound."""
_NOISE = 0.3
"""Deviation of the noise at each microphone, relative to the sound at 1 m."""
_PEER_POINTS = {'acoular': None, 'pyroomacoustics': 300, 'xsrp': 100}
"""Points that a peer is timed on; None stands for the whole grid."""
_PEER_TRIES = 2
"""Of which the quicker counts."""
_LEAST_CORRELATION = 0.99
"""Of a peer's map with ours, below which it maps something else."""
_BATCH, _BATCHES = 256, 20
_TORCH_ROUNDS = 40


@dataclass(frozen=True)
class MapSetting:
    """All that a map depends on but the sound.

    Attributes
    ----------
    array : MicrophoneArray
    camera : Camera
        In the array frame.
    delays : PairDelays
    gcc : GccPhat
    image_map : ImageMap
    depths : tuple of float
        Along the optical axis (m).
    """

    array: MicrophoneArray
    camera: Camera
    delays: PairDelays
    gcc: GccPhat
    image_map: ImageMap
    depths: tuple[float, ...]

    @classmethod
    def of(cls, depths: int, across: bool = False) -> MapSetting:
        """Set up the meeting room with a number of depths, evenly spaced in inverse range."""
        array = meeting_room.microphones()
        camera = replace(meeting_room.cameras()[0], distortion=np.zeros(5), skew=0.0)
        delays = PairDelays.of(array, across)
        gcc = GccPhat(array.rate, delays.longest)
        inverse = np.linspace(1 / _NEAREST, 1 / _FARTHEST, depths)
        image_map = _image_map(delays, gcc, camera)
        return cls(array, camera, delays, gcc, image_map, tuple((1 / inverse).tolist()))

    def moved(self) -> MapSetting:
        """Return the setting with its camera set up anew, as after a motion."""
        return replace(self, image_map=_image_map(self.delays, self.gcc, self.camera))

    @property
    def points(self) -> np.ndarray:
        """Points of the map (m, array frame), shape (depths * rows * columns, 3)."""
        rays = self.camera.back_project(image_grid(self.camera.size, _pitch(self.camera)))
        offsets = (rays - self.camera.centre) * np.array(self.depths)[:, None, None, None]
        return (self.camera.centre + offsets).reshape(-1, 3)

    def whiten(self, samples: np.ndarray) -> np.ndarray:
        """Whitened spectra (microphones, bins) of samples (length, microphones)."""
        return self.gcc.whiten(self.gcc.spectra(samples))

    def cross(self, samples: np.ndarray) -> np.ndarray:
        """Cross-spectra (pairs, bins), all frequencies alike."""
        bins = len(self.gcc.frequencies)
        weights = np.full((1, bins), 1 / bins, np.float32)
        return kernels.weighted_cross(self.whiten(samples)[None], weights, self.delays.pairs)

    def map(self, samples: np.ndarray) -> np.ndarray:
        """Map (depths, rows, columns) of samples (length, microphones)."""
        return self.image_map(self.gcc.correlate(self.cross(samples)), self.depths)

    def frame(self, loudness: float = 1.0) -> np.ndarray:
        """Frame (length, microphones) of white noise from a place, in noise at each one."""
        rng = np.random.default_rng(0)
        count = 2 * self.gcc.length
        pixel, depth = _SOURCE
        distance = np.linalg.norm(
            self.array.positions - self.camera.back_project(np.array(pixel), depth), axis=1
        )
        frequencies = np.fft.rfftfreq(count, 1 / self.array.rate)
        turn = np.exp(-2j * np.pi * frequencies * distance[:, None] / self.array.speed_of_sound)
        spectrum = np.fft.rfft(loudness * rng.normal(size=count))
        heard = np.fft.irfft(spectrum * turn / distance[:, None], count)
        heard += _NOISE * rng.normal(size=heard.shape)
        return np.ascontiguousarray(heard[:, self.gcc.length :].T, np.float32)


def _pitch(camera: Camera) -> float:
    return camera.size[0] / _COLUMNS


def _image_map(delays: PairDelays, gcc: GccPhat, camera: Camera) -> ImageMap:
    return ImageMap(delays, gcc, camera, (_ROWS, _COLUMNS), _pitch(camera))


def bench_acoustic_map(out: Path, progress_bar: ProgressBar) -> dict:
    """Time the acoustic map and write ``acoustic_map.json``.

    Parameters
    ----------
    out : Path
        Folder of the results.
    progress_bar : ProgressBar

    Returns
    -------
    dict
        Flat, times a frame in milliseconds; None for what was not run.
    """
    setting = MapSetting.of(_DEPTHS)
    samples = setting.frame()
    with progress_bar('acoustic map') as progress:
        result = _ours(setting, samples)
        progress(0.3)
        result |= map_errors(setting)
        progress(0.5)
        result |= _papers_grid()
        result |= _with_torch(setting, samples)
        progress(0.6)
        for name, peer in available_peers(setting.array, setting.gcc).items():
            result |= _beside(name, peer, setting, samples, result['cpu_ms'])
    report(out, 'acoustic_map', result)
    _print_notes(result)
    return result


def map_errors(setting: MapSetting) -> dict[str, float]:
    """Compare maps with the exact steered response.

    The larger errors of two frames, rms and maximum, relative to the range from the lowest to the
    highest value of the exact map: of a sound in noise, and of noise alone, which is all detail.
    """
    errors = [_map_errors(setting, setting.frame(loudness)) for loudness in (1.0, 0.0)]
    rms, most = np.max(errors, axis=0).tolist()
    return {'rms_error': rms, 'max_error': most}


def _map_errors(setting: MapSetting, samples: np.ndarray) -> tuple[float, float]:
    exact = steered_response(setting.cross(samples), setting.delays, setting.gcc, setting.points)
    error = (setting.map(samples).ravel() - exact) / np.ptp(exact)
    return np.sqrt(np.mean(error**2)), np.abs(error).max()


def peer_correlation(
    peer: Peer, setting: MapSetting, samples: np.ndarray, points: np.ndarray
) -> float:
    """Correlation of the map of a peer with ours at some points (indices)."""
    theirs = peer(setting.whiten(samples), setting.points[points])
    return float(np.corrcoef(theirs, setting.map(samples).ravel()[points])[0, 1])


def _ours(setting: MapSetting, samples: np.ndarray) -> dict[str, float]:
    """Time the CPU path, one with another camera pose in every frame, and bare reading."""
    table = np.zeros((len(setting.points), len(setting.delays.pairs)), np.uint16)
    table = table.reshape(-1).view(np.uint64)

    times = median_ms(
        {
            'cpu': lambda: setting.map(samples),
            'moving': lambda: setting.moved().map(samples),
            'read': lambda: _read(table),
        },
        _ROUNDS,
    )
    return {
        'cpu_ms': times['cpu'],
        'read_bound_ms': times['read'],
        'ratio_read_bound': times['cpu'] / times['read'],
        'moving_camera_ms': times['moving'] - times['cpu'],
    }


def _papers_grid() -> dict[str, float]:
    """Time the map of the papers: all 120 pairs, 9 depths."""
    setting = MapSetting.of(_PAPERS_DEPTHS, across=True)
    samples = setting.frame()
    times = median_ms({'papers': lambda: setting.map(samples)}, _PAPERS_ROUNDS)
    return {'papers_grid_ms': times['papers'], 'table_mb': setting.image_map.nbytes / 1e6}


def _with_torch(setting: MapSetting, samples: np.ndarray) -> dict[str, float | None]:
    """Time the torch path: frame by frame from and to the memory of the CPU, and in batches."""
    result = dict.fromkeys(
        ('torch_ms', 'torch_batch_ms', 'cuda_latency_ms', 'cuda_maps_per_second')
    )
    if not torch_available():
        return result
    import torch

    from av_tracker_nodes.acoustics.field_torch import TorchImageMap

    device = 'cuda' if cuda_available() else 'cpu'
    maps = TorchImageMap(setting.delays, setting.gcc, setting.image_map, setting.depths, device)
    one = torch.from_numpy(samples[None])
    many = one.expand(_BATCH, -1, -1).contiguous().to(device)
    repeats = _BATCHES if device == 'cuda' else 1

    def batches() -> None:
        for _ in range(repeats):
            maps(many)
        if device == 'cuda':
            torch.cuda.synchronize()

    result['torch_ms'] = median_ms({'one': lambda: maps(one).cpu()}, _TORCH_ROUNDS)['one']
    batch = median_ms({'batches': batches}, 3)['batches']
    result['torch_batch_ms'] = batch / (_BATCH * repeats)
    if device == 'cuda':
        result['cuda_latency_ms'] = result['torch_ms']
        result['cuda_maps_per_second'] = 1e3 / result['torch_batch_ms']
    return result


def _beside(
    name: str, peer: Peer | None, setting: MapSetting, samples: np.ndarray, ours: float
) -> dict[str, float | None]:
    """Time a peer, on part of the grid where all of it would take long."""
    result = dict.fromkeys((f'{name}_ms', f'ratio_{name}', f'{name}_correlation'))
    if peer is None:
        return result
    points, whitened = setting.points, setting.whiten(samples)
    order = np.random.default_rng(0).permutation(len(points))
    count = _PEER_POINTS[name] or len(points)
    result[f'{name}_correlation'] = peer_correlation(peer, setting, samples, order[:count])
    if result[f'{name}_correlation'] < _LEAST_CORRELATION:
        return result

    def best_on(number: int) -> float:
        tries = range(_PEER_TRIES)
        return min(milliseconds(lambda: peer(whitened, points[order[:number]])) for _ in tries)

    total = best_on(count)
    if count < len(points):
        total += (best_on(2 * count) - total) / count * (len(points) - count)
    result[f'{name}_ms'] = total
    result[f'ratio_{name}'] = total / ours
    return result


def _print_notes(result: dict[str, float | None]) -> None:
    """Say what the table does not."""
    say = Console().print
    load, cores = os.getloadavg()[0], os.cpu_count()
    if load > cores + 1:
        say(f'Other programs are busy (load {load:.0f} on {cores} cores): times are too long.')
    missing = [name for name in _PEER_POINTS if result[f'{name}_correlation'] is None]
    if missing:
        say(f'Not installed: {", ".join(missing)}. `make bench EXTRAS=peers` times them as well.')
    for name, count in _PEER_POINTS.items():
        if result[f'{name}_ms'] is not None:
            what = f'{count} and {2 * count} points, scaled to' if count else 'all of'
            say(f'{name}: timed on {what} {_DEPTHS * _ROWS * _COLUMNS} points.')
        elif name not in missing:
            say(f'{name}: maps something else (see its correlation), so its time means nothing.')
    if result['torch_ms'] is None:
        say('torch is not installed: `make bench EXTRAS=gpu` (or train) times that path.')
    elif result['cuda_latency_ms'] is None:
        say('torch was timed on the CPU: it sees no CUDA device.')


@njit(nogil=True)
def _read(table: np.ndarray) -> int:
    """Read all of a table."""
    total = np.uint64(0)
    for entry in table:
        total += entry
    return total
