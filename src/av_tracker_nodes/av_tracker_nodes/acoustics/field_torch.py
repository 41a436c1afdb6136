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

"""The coherence field with torch, for many frames at once, on CUDA or the CPU.

Each look-up fetches the values of all frames side by side, so that memory is read in long runs
however scattered the lags are.
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn.functional import embedding_bag

from av_tracker_nodes.acoustics.delays import PairDelays
from av_tracker_nodes.acoustics.gcc_phat import SILENT, GccPhat
from av_tracker_nodes.acoustics.image_map import ImageMap


class TorchField:
    """The field at fixed points.

    Parameters
    ----------
    lags : np.ndarray, shape (points, pairs)
        Lag of each pair at each point, in steps from the first; integers are looked up as they
        are, others linearly between their neighbours.
    count : int
        Lags of a correlation.
    device : str
    """

    def __init__(self, lags: np.ndarray, count: int, device: str) -> None:
        below = np.floor(lags).astype(np.int32)
        rows = np.arange(lags.shape[1], dtype=np.int32) * count
        self._index = torch.from_numpy(below + rows).to(device)
        self._share = None
        if not np.issubdtype(lags.dtype, np.integer):
            share = ((lags - below) / lags.shape[1]).astype(np.float32)
            self._share = torch.from_numpy(share).to(device)

    def __call__(self, correlation: torch.Tensor) -> torch.Tensor:
        """Evaluate the field.

        Parameters
        ----------
        correlation : torch.Tensor, shape (frames, pairs, lags), float32

        Returns
        -------
        torch.Tensor, shape (points, frames), float32
            Mean over pairs.
        """
        return self.look_up(*side_by_side(correlation))

    def look_up(self, values: torch.Tensor, rises: torch.Tensor) -> torch.Tensor:
        """Evaluate the field from what :func:`side_by_side` gives."""
        field = embedding_bag(self._index, values, mode='sum') / self._index.shape[1]
        if self._share is not None:
            field += embedding_bag(self._index, rises, mode='sum', per_sample_weights=self._share)
        return field

    def of_array(self, correlation: np.ndarray) -> np.ndarray:
        """Evaluate the field (points,) of one correlation (pairs, lags)."""
        values = torch.from_numpy(np.ascontiguousarray(correlation)).to(self._index.device)
        return self(values[None])[:, 0].cpu().numpy()

    @property
    def nbytes(self) -> int:
        """Memory that the tables take (bytes)."""
        return sum(table.nbytes for table in (self._index, self._share) if table is not None)


class TorchImageMap:
    """Samples of many frames to maps over the image.

    The same lattices, splines and transforms as :class:`ImageMap` and `GccPhat` use, so that the
    values are theirs to 1e-4 of the range of a map; all frequencies weigh alike.

    Parameters
    ----------
    delays : PairDelays
    gcc : GccPhat
    image_map : ImageMap
        Of the camera.
    depths : tuple of float
        Along the optical axis (m).
    device : str
        ``cuda`` or ``cpu``.
    """

    def __init__(
        self,
        delays: PairDelays,
        gcc: GccPhat,
        image_map: ImageMap,
        depths: tuple[float, ...],
        device: str,
    ) -> None:
        self._gcc = gcc
        self._device = device
        self._shape = (len(depths), *image_map.shape)
        self._band = slice(gcc.first_bin, gcc.first_bin + len(gcc.frequencies))
        self._window = self._constant(gcc.window)
        self._first, self._second = self._constant(delays.pairs.T)
        self._cosines = self._constant(gcc.cosines)
        self._sines = self._constant(gcc.sines)
        self._layers = []
        for lattice in image_map.lattices(depths):
            lags = delays.at(lattice.points.reshape(-1, 3)) / gcc.lag_step + len(gcc.lags) // 2
            self._layers.append(
                (
                    torch.from_numpy(lattice.slices).to(device),
                    lattice.points.shape[:-1],
                    TorchField(lags, len(gcc.lags), device),
                    self._constant(lattice.down),
                    self._constant(lattice.across),
                )
            )

    def __call__(self, samples: torch.Tensor) -> torch.Tensor:
        """Map frames.

        Parameters
        ----------
        samples : torch.Tensor, shape (frames, length, microphones), float32
            On any device.

        Returns
        -------
        torch.Tensor, shape (frames, depths, rows, columns), float32
            On the device of the maps.
        """
        values, rises = side_by_side(self._correlate(samples.to(self._device)))
        maps = values.new_empty((len(samples), *self._shape))
        for slices, nodes, field, down, across in self._layers:
            at_nodes = field.look_up(values, rises).T.reshape(-1, *nodes)
            maps[:, slices] = down @ at_nodes @ across
        return maps

    @property
    def nbytes(self) -> int:
        """Memory that the tables take (bytes)."""
        return sum(
            field.nbytes + down.nbytes + across.nbytes for *_, field, down, across in self._layers
        )

    def _correlate(self, samples: torch.Tensor) -> torch.Tensor:
        """GCC-PHAT of all pairs, shape (frames, pairs, lags); see `GccPhat`."""
        level = (samples - samples.mean(dim=1, keepdim=True)) * self._window
        spectra = torch.fft.rfft(level.transpose(1, 2), self._gcc.size)[..., self._band]
        magnitude = spectra.abs()
        whitened = torch.where(magnitude > SILENT, spectra / magnitude, 0)
        cross = whitened[:, self._first] * whitened[:, self._second].conj()
        cross = torch.view_as_real(cross / len(self._gcc.frequencies))
        even, odd = cross[..., 0] @ self._cosines, cross[..., 1] @ self._sines
        return torch.cat([(even + odd)[..., 1:].flip(-1), even - odd], dim=-1)

    def _constant(self, array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self._device)


def side_by_side(correlation: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Lay the frames of correlations (frames, pairs, lags) beside each other.

    Returns
    -------
    values, rises : torch.Tensor, shape (pairs * lags, frames)
        The correlation at each lag, and how much higher it is at the next one.
    """
    rises = torch.nn.functional.pad(correlation.diff(dim=-1), (0, 1))
    # A single frame needs the strides of a table too: without them the look-up is slow.
    return tuple(
        table.flatten(1).T.clone(memory_format=torch.contiguous_format)
        for table in (correlation, rises)
    )
