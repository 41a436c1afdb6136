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

"""GLDTracker (Li et al. 2024): a tracker that reconstructs what an incomplete input lacks.

As published: a visual and an audio teacher on complete input, a light student on input with a part
of the picture covered and half of the microphones missing, generators that reconstruct the
teachers' features from the student's against discriminators (eqs 3 and 4), weights of local and
reconstructed features (eqs 5 and 6), cross-attention of both modalities (eq 7), and four losses
(eqs 8 to 14). Different here: the teachers learn beside the student instead of before it, and
their features have the student's width, so that eq 8 compares them as they are; generators
minimise ``-log D(G(.))``, which has the same optimum as ``log(1 - D(G(.)))`` and a gradient where
the discriminator is sure, and encoders do not learn from it, for its gradient drowns that of
eq 8; a teacher's position is followed where it is nearer to the truth than the student's (the
bounded regression of Chen et al. 2017), for sound places hardly anybody within a search crop.
"""

from __future__ import annotations

from av_tracker_nodes.research.networks.gld_network import GldTracker
from av_tracker_nodes.research.networks.gld_objective import GldObjective
from av_tracker_nodes.research.networks.reconstructions import draw_reconstructions
from av_tracker_nodes.research.networks.search_losses import search_scores
from av_tracker_nodes.research.networks.spec import NetworkSpec, Variant

_UNGUIDED = {'alignment': 0.0, 'adversarial': 0.0, 'soft': 0.0}

_ABLATIONS = (
    # Table 2.
    Variant('without MM-FAM', network={'attends': False}),
    Variant('without MM-FAM, FRM', network={'attends': False, 'reconstructs': False}),
    Variant(
        'without MM-FAM, FRM, G2L', _UNGUIDED, network={'attends': False, 'reconstructs': False}
    ),
    # Table 3.
    Variant('without L_FA', {'alignment': 0.0}),
    Variant('without L_GD', {'adversarial': 0.0}),
    Variant('without L_soft', {'soft': 0.0}),
    Variant('without L_hard', {'hard': 0.0}),
    Variant('without L_FA, L_GD', {'alignment': 0.0, 'adversarial': 0.0}),
)

SPEC = NetworkSpec(
    GldTracker,
    GldObjective,
    search_scores,
    _ABLATIONS,
    task='incomplete search',
    draw=draw_reconstructions,
)
