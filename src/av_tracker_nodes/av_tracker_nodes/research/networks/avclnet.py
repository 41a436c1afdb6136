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

"""AVCLNet (Li et al. 2025): audio-visual contrastive learning and cross-modal attention.

As published: an encoder of face crops, one encoder shared by the enhanced maps of the faces and
the global map (eqs 2 and 9), cross-modal attention in both directions (eq 14), and a head that is
also given the global audio feature. Beyond that, what is measured of a candidate in numbers is
encoded beside crop and map, voices without a face and heads that lost theirs are candidates too,
and the head refines what geometry makes of a candidate instead of starting from nothing. The range
is read off sight alone by a head of its own: sound tells one too, and both are multiplied later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from av_tracker_nodes.fusion.candidates import (
    CROP_SIZE,
    PREDICTED,
    SIGHT_FEATURES,
    SOUND_FEATURES,
    Kind,
)
from av_tracker_nodes.research.networks.blocks import (
    CrossModalFusion,
    FeatureEncoder,
    MapEncoder,
    PictureEncoder,
)
from av_tracker_nodes.research.networks.inputs import Inputs, Prediction
from av_tracker_nodes.research.networks.losses import (
    TEMPERATURE_LIMITS,
    ContrastiveWeights,
    cross_modal_loss,
    intra_visual_loss,
    prediction_losses,
    quintuplet_loss,
)
from av_tracker_nodes.research.networks.network_scores import candidate_scores
from av_tracker_nodes.research.networks.spec import NetworkSpec, Variant

if TYPE_CHECKING:
    from av_tracker_nodes.research.training.candidate_batches import Batch

_HIDDEN, _RANGE_HIDDEN = 128, 64
_FIRST_DEVIATIONS = -1.5, -2.5
_ALONG = 2
"""Numbers of a prediction that sight alone tells: log range, and log of its deviation."""


@dataclass(frozen=True)
class Features:
    """Encoded candidates, each of shape (n, width).

    Attributes
    ----------
    picture : Tensor
        Of the crop alone.
    sight, sound : Tensor
        Tokens I and S.
    """

    picture: Tensor
    sight: Tensor
    sound: Tensor


class AvclNet(nn.Module):
    """The network.

    Parameters
    ----------
    width : int
        Of the tokens.
    embedding : int
        Of the features that are contrasted.
    dropout : float
        Share of what the heads are given that is left out in training (Srivastava et al. 2014):
        without, a network of an hour knew speech and people of its scenes by heart.
    """

    def __init__(self, width: int = 96, embedding: int = 64, dropout: float = 0.2) -> None:
        super().__init__()
        self.picture_encoder = PictureEncoder(CROP_SIZE, width)
        self.map_encoder = MapEncoder(width)
        self.sight_encoder = FeatureEncoder(SIGHT_FEATURES, width)
        self.sound_encoder = FeatureEncoder(SOUND_FEATURES, width)
        self.sight_norm, self.sound_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.identity = nn.Linear(width, embedding)
        self.sight_projection = nn.Linear(width, embedding)
        self.sound_projection = nn.Linear(width, embedding)
        self.fusion = CrossModalFusion(width)
        self.head = _head(3 * width, _HIDDEN, PREDICTED - _ALONG)
        self.range_head = _head(width, _RANGE_HIDDEN, _ALONG)
        self.dropout = nn.Dropout(dropout)
        across, along = _FIRST_DEVIATIONS
        with torch.no_grad():
            self.head[-1].bias[2], self.range_head[-1].bias[1] = across, along

    def encode(self, inputs: Inputs) -> Features:
        """Encode sight and sound of each candidate (eqs 2 and 9)."""
        picture = self.picture_encoder(inputs.crops)
        sight = self.sight_norm(picture + self.sight_encoder(inputs.sight))
        heard = self.map_encoder(inputs.maps)
        sound = self.sound_norm(heard + self.sound_encoder(inputs.sound))
        return Features(picture, sight, sound)

    def detect(self, features: Features, inputs: Inputs) -> Prediction:
        """Fuse the candidates of each frame (eq 14) with the global feature, and detect."""
        slots = inputs.valid.shape[1]
        fused = self.fusion(
            inputs.placed(features.sight), inputs.placed(features.sound), inputs.valid
        )
        everywhere = self.map_encoder(inputs.global_maps)[:, None].expand(-1, slots, -1)
        known = self.dropout(torch.cat([fused, everywhere], dim=-1))
        judged = inputs.taken(self.head(known))
        across, rest = judged.split([3, PREDICTED - _ALONG - 3], dim=1)
        along = self.range_head(self.dropout(features.sight))
        columns = across[:, :2], along[:, :1], across[:, 2:], along[:, 1:], rest
        return Prediction.of(torch.cat(columns, dim=1))

    def forward(self, inputs: Inputs) -> tuple[Features, Prediction]:
        """Encode and detect."""
        features = self.encode(inputs)
        return features, self.detect(features, inputs)

    def embedding(self, picture: Tensor) -> Tensor:
        """Embed who is pictured, shape (n, embedding), unit length."""
        return normalize(self.identity(picture), dim=-1)

    def sight_embedding(self, features: Features) -> Tensor:
        """Embed what is seen where sound is embedded too, shape (n, embedding), unit length."""
        return normalize(self.sight_projection(features.sight), dim=-1)

    def sound_embedding(self, features: Features) -> Tensor:
        """Embed what is heard where sight is embedded too, shape (n, embedding), unit length."""
        return normalize(self.sound_projection(features.sound), dim=-1)


def _head(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    """Make a perceptron that says 0 to begin with."""
    head = nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs))
    nn.init.zeros_(head[-1].weight)
    nn.init.zeros_(head[-1].bias)
    return head


class AvclObjective(nn.Module):
    """What AVCLNet learns: to say where and who, and eq 13.

    Parameters
    ----------
    weights : ContrastiveWeights
    temperature : float
        To begin with; it is learnt.
    """

    def __init__(
        self, weights: ContrastiveWeights | None = None, temperature: float = 0.1
    ) -> None:
        super().__init__()
        self.weights = weights or ContrastiveWeights()
        self.log_temperature = nn.Parameter(torch.tensor(float(np.log(temperature))))

    def forward(self, network: AvclNet, batch: Batch) -> dict[str, Tensor]:
        """Return the losses of a batch by name; their sum is to be minimised."""
        features, prediction = network(batch.inputs)
        return {**prediction_losses(prediction, batch), **self._contrast(network, features, batch)}

    @property
    def temperature(self) -> Tensor:
        """The learnt temperature, within `TEMPERATURE_LIMITS`."""
        return self.log_temperature.exp().clamp(*TEMPERATURE_LIMITS)

    def _contrast(self, network: AvclNet, features: Features, batch: Batch) -> dict[str, Tensor]:
        weights, temperature = self.weights, self.temperature
        rows, identity = batch.neighbour_of, batch.identity
        faces = (batch.kind == Kind.FACE) & (identity >= 0)
        sight, sound = network.sight_embedding(features), network.sound_embedding(features)
        close_by = network.encode(batch.neighbours)
        return {
            'cross': weights.cross
            * cross_modal_loss(
                sight[faces], sound[faces], identity[faces], temperature, weights.printed
            ),
            'visual': weights.visual
            * intra_visual_loss(
                network.embedding(features.picture[rows]),
                network.embedding(close_by.picture),
                identity[rows],
                temperature,
                weights.printed,
            ),
            'quintuplet': weights.quintuplet
            * quintuplet_loss(
                sight[rows],
                sound[rows],
                network.sight_embedding(close_by),
                identity[rows],
                weights.margin,
            ),
        }


def _weighted(name: str, cross: float, visual: float, quintuplet: float) -> Variant:
    return Variant(name, {'weights': ContrastiveWeights(cross, visual, quintuplet)})


_PLAIN_MAPS, _NO_CONTRAST = {'enhanced': False}, {'weights': ContrastiveWeights(0.0, 0.0, 0.0)}
_NO_GEOMETRY = {'beta': 1.0, 'gate': 100.0}

_ABLATIONS = (
    # Table 3; without DGC boxes alone tell who is who, as far as they overlap at all.
    Variant('without V-WSWE', schedule=_PLAIN_MAPS),
    Variant('without V-WSWE, AVCL', _NO_CONTRAST, _PLAIN_MAPS),
    Variant('without V-WSWE, AVCL, DGC', _NO_CONTRAST, _PLAIN_MAPS, _NO_GEOMETRY),
    Variant('without AVCL', _NO_CONTRAST),
    # Table 5.
    _weighted('without L_qui', 0.4, 0.3, 0.0),
    _weighted('without L_vc', 0.4, 0.0, 0.3),
    _weighted('without L_cc', 0.0, 0.3, 0.3),
    _weighted('L_qui alone', 0.0, 0.0, 0.3),
    # Table 6.
    Variant('DGC without 2-D', tracker={'beta': 0.0}),
    Variant('DGC without 3-D', tracker={'beta': 1.0}),
    # Table 7.
    Variant('tau from 0.05', {'temperature': 0.05}),
    Variant('tau from 0.2', {'temperature': 0.2}),
    Variant('n+ = 1', schedule={'neighbours': 1}),
    Variant('n+ = 5', schedule={'neighbours': 5}),
    Variant('n+ = 10', schedule={'neighbours': 10}),
    _weighted('weights 0.2, 0.4, 0.4', 0.2, 0.4, 0.4),
    _weighted('weights 0.6, 0.2, 0.2', 0.6, 0.2, 0.2),
    Variant('beta = 0.4', tracker={'beta': 0.4}),
    Variant('beta = 0.8', tracker={'beta': 0.8}),
)
"""Tables 3, 5, 6 and 7 of the paper."""

SPEC = NetworkSpec(AvclNet, AvclObjective, candidate_scores, _ABLATIONS)
