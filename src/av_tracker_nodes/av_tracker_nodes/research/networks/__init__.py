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

"""The networks in torch, for training and export; the nodes run them with ONNX Runtime."""

from importlib import import_module

from av_tracker_nodes.fusion import NETWORKS as NAMES
from av_tracker_nodes.research.networks.spec import NetworkSpec, Variant

NETWORKS: dict[str, NetworkSpec] = {
    name: import_module(f'{__name__}.{name}').SPEC for name in NAMES
}
"""Networks by name: each is the SPEC of the module of that name."""

__all__ = ['NETWORKS', 'NetworkSpec', 'Variant']
