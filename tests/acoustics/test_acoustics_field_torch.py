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

import numpy as np
import pytest
from acoustic_scenes import RATE, look_at, propagate, two_circles

from av_tracker_nodes.acoustics import kernels
from av_tracker_nodes.acoustics.coherence_field import CoherenceField, lag_table
from av_tracker_nodes.acoustics.delays import PairDelays
from av_tracker_nodes.acoustics.gcc_phat import GccPhat
from av_tracker_nodes.acoustics.image_map import ImageMap

torch = pytest.importorskip('torch')
from av_tracker_nodes.acoustics.field_torch import TorchField, TorchImageMap  # noqa: E402

DEVICES = ['cpu', *(['cuda'] if torch.cuda.is_available() else [])]
ARRAY = two_circles()
CAMERA = look_at([-1.57, 2.01, 1.43], [0.75, 0.2, 0.6])
DEPTHS = (0.8, 1.5, 2.7, 5.0)
POINTS = np.random.default_rng(1).uniform([-1.8, -6, 0], [1.8, 2, 1.6], size=(1003, 3))


@pytest.fixture(params=[False, True], ids=['within arrays', 'all pairs'])
def setting(request):
    delays = PairDelays.of(ARRAY, across=request.param)
    return delays, GccPhat(RATE, delays.longest)


def correlations(delays, gcc, frames):
    shape = (frames, len(delays.pairs), len(gcc.lags))
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def recorded(frames):
    """Frames of a source in noise, one of silence among them."""
    sound = np.random.default_rng(3).normal(size=4000)
    heard = propagate([(np.array([0.9, -0.3, 0.5]), sound)], ARRAY, noise=0.3)
    cut = np.stack([heard[600 + 320 * n : 1240 + 320 * n] for n in range(frames)])
    cut[1] = 0
    return cut


def mapped(samples, delays, gcc, mapper):
    bins = len(gcc.frequencies)
    weights = np.full((1, bins), 1 / bins, np.float32)
    whitened = gcc.whiten(gcc.spectra(samples))[None]
    cross = kernels.weighted_cross(whitened, weights, delays.pairs)
    return mapper(gcc.correlate(cross), DEPTHS)


@pytest.mark.parametrize('device', DEVICES)
def test_nearest_lags_agree(setting, device):
    delays, gcc = setting
    correlation = correlations(delays, gcc, 1)[0]
    expected = CoherenceField(delays, gcc, POINTS)(correlation)
    field = TorchField(lag_table(delays, gcc, POINTS), len(gcc.lags), device)
    np.testing.assert_allclose(field.of_array(correlation), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('device', DEVICES)
@pytest.mark.parametrize('frames', [1, 5])
def test_values_between_lags_agree(setting, device, frames):
    delays, gcc = setting
    batch = correlations(delays, gcc, frames)
    scale = 1 / (delays.speed * gcc.lag_step)
    lags = delays.at(POINTS) / gcc.lag_step + len(gcc.lags) // 2
    field = TorchField(lags, len(gcc.lags), device)
    found = field(torch.from_numpy(batch).to(device)).cpu().numpy()
    assert found.shape == (len(POINTS), frames)
    for values, correlation in zip(found.T, batch, strict=True):
        expected = kernels.mean_at_points(
            correlation, POINTS, delays.microphones, delays.pairs, scale
        )
        np.testing.assert_allclose(values, expected, atol=1e-4)


@pytest.mark.parametrize('device', DEVICES)
def test_maps_of_a_batch_are_those_of_the_cpu_path(setting, device):
    delays, gcc = setting
    mapper = ImageMap(delays, gcc, CAMERA, (96, 120), 3.0)
    samples = recorded(frames=6)
    batch = TorchImageMap(delays, gcc, mapper, DEPTHS, device)(torch.from_numpy(samples))
    assert batch.shape == (6, 4, 96, 120)
    for found, frame in zip(batch.cpu().numpy(), samples, strict=True):
        expected = mapped(frame, delays, gcc, mapper)
        assert np.abs(found - expected).max() <= 1e-4 * np.ptp(expected)


def test_silence_maps_to_zeros(setting):
    delays, gcc = setting
    mapper = ImageMap(delays, gcc, CAMERA, (96, 120), 3.0)
    silence = torch.zeros(2, gcc.length, len(ARRAY.positions))
    assert not TorchImageMap(delays, gcc, mapper, DEPTHS, 'cpu')(silence).any()


def test_a_single_frame_is_one_of_a_batch(setting):
    delays, gcc = setting
    mapper = ImageMap(delays, gcc, CAMERA, (96, 120), 3.0)
    maps = TorchImageMap(delays, gcc, mapper, DEPTHS, 'cpu')
    samples = torch.from_numpy(recorded(frames=4))
    torch.testing.assert_close(maps(samples[2:3])[0], maps(samples)[2], rtol=0, atol=1e-5)
    assert maps.nbytes < 100e6
