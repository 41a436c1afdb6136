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

"""Claps, as they are seen and heard."""

import numpy as np

RATE, CHANNELS, FRAME_RATE, SECONDS = 16_000, 16, 25, 16.0
METRES, SOUND = 1.7, 343.0


def clap_times(rng, count=10):
    return np.cumsum(rng.uniform(0.7, 1.7, count)) + 0.5


def sound_of(claps, rng):
    """Bursts that decay within 8 ms, over noise and a hum."""
    time = np.arange(round(SECONDS * RATE)) / RATE
    sound = 0.05 * np.sin(2 * np.pi * 120 * time) + 0.002 * rng.standard_normal(len(time))
    for clap in claps + METRES / SOUND:
        first = int(np.ceil(clap * RATE))
        length = max(min(RATE // 20, len(time) - first), 0)
        decay = np.exp(-np.arange(length) / (0.004 * RATE))
        sound[first : first + length] += 0.4 * decay * rng.standard_normal(length)
    return np.float32(np.repeat(sound[:, None], CHANNELS, axis=1))


def flash_picture(time, claps, rng):
    """A room that is lit for 60 ms after a clap, as a camera with 5 ms exposure sees it."""
    lit = ((time > claps) & (time < claps + 0.06)).any()
    return np.uint8(np.clip(rng.normal(190 if lit else 110, 3, (96, 128)), 0, 255))


def hands_picture(time, claps, rng):
    """Two hands that move together within 0.2 s, rest for 0.15 s, and part slowly."""
    since = time - claps[np.argmin(np.abs(time - claps))]
    if since < 0:
        gap = 40 * min(max(-since / 0.2, 0.0), 1.0)
    else:
        gap = 40 * min(max((since - 0.15) / 0.5, 0.0), 1.0)
    image = rng.normal(110, 2, (96, 128))
    for sign in (-1, 1):
        centre = 64 + sign * (10 + gap / 2)
        image[30:70, round(centre - 8) : round(centre + 8)] = 200
    return np.uint8(np.clip(image, 0, 255))
