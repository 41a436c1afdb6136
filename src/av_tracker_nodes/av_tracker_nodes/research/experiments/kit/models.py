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

"""Fusion models of experiments."""

from __future__ import annotations

from pathlib import Path

from av_tracker_nodes.fusion import FusionModel, create_fusion, open_fusion


def open_model(model: str, device: str = 'auto') -> FusionModel:
    """Open a fusion model by its name, or an ONNX file, which runs on the CPU, by its path.

    Raises
    ------
    InputError
        When there is no such model or file.
    """
    if model.endswith('.onnx'):
        return open_fusion(Path(model))
    return create_fusion(model, device=device)
