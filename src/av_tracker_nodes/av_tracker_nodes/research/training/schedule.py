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

"""How long and on what a network is trained."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """How a network is trained.

    Attributes
    ----------
    minutes : float
        Time to train, validation left out; the learning rate falls to 0 over it.
    steps : int or None
        Batches to train on instead, however long they take: trainings that are to be compared.
    images : int
        In a batch.
    learning_rate, weight_decay : float
        Of AdamW.
    warm_up : float
        Share of the time over which the learning rate rises.
    checks : int
        Validations.
    neighbours : int
        n+ of AVCLNet.
    enhanced : bool
        Maps of faces with their history: V-WSWE.
    seed : int
    """

    minutes: float = 100.0
    steps: int | None = None
    images: int = 24
    learning_rate: float = 1.5e-3
    weight_decay: float = 0.02
    warm_up: float = 0.03
    checks: int = 12
    neighbours: int = 3
    enhanced: bool = True
    seed: int = 0
