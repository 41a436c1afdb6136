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

"""Trained networks of other authors, and how networks are opened.

The files of the others lie in ``models/``, made by ``scripts/prepare_models.py`` from what their
authors published; each is checked against a digest before it is run.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from av_tracker_nodes.errors import InputError, how_to_install
from av_tracker_nodes.models.shipped import shipped_file
from av_tracker_nodes.models.whole_network import read_network

if TYPE_CHECKING:
    import onnxruntime

DEVICES = ('auto', 'cpu', 'cuda')
"""Where networks can run."""

_CUDA, _CPU = 'CUDAExecutionProvider', 'CPUExecutionProvider'
_ON_CPU = (_CPU,)
_GPU_MEMORY = 1 << 30
"""Most that a network may take on a GPU (bytes)."""


@dataclass(frozen=True)
class PackagedModel:
    """An ONNX file of other authors.

    Attributes
    ----------
    task : str
        What it is for, in the words of messages.
    file : str
        Path inside the folder ``models``.
    sha256 : str
        Digest of the file.
    """

    task: str
    file: str
    sha256: str

    def verified(self) -> Path:
        """Return the path of the file, which is the one that was tested.

        Raises
        ------
        InputError
            The file is missing or is another one.
        """
        path = shipped_file(self.file, 'models')
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest != self.sha256:
            raise InputError(
                f'{self.task} {path} has sha256 {digest}, expected {self.sha256}; '
                'install the package anew'
            )
        return path


def load_onnxruntime() -> ModuleType:
    """Import ONNX Runtime, which whoever runs no network can do without.

    Its official builds report their use to their makers; here they do not.

    Raises
    ------
    InputError
        When it is not installed.
    """
    # Later there is an identifier on disk already, and a first report.
    os.environ['ORT_DISABLE_TELEMETRY'] = '1'
    try:
        import onnxruntime
    except ImportError as error:
        raise InputError(f'networks need ONNX Runtime: {how_to_install("onnxruntime")}') from error
    return onnxruntime


def execution_providers(device: str) -> tuple[object, ...]:
    """Choose the execution providers of ONNX Runtime, best first.

    Parameters
    ----------
    device : str
        ``auto`` takes CUDA where this ONNX Runtime was built for it, and falls back; ``cpu`` or
        ``cuda``.

    Raises
    ------
    InputError
        The device is unknown, or this ONNX Runtime was not built for CUDA.
    """
    if device not in DEVICES:
        raise InputError(f"unknown device '{device}': choose one of {', '.join(DEVICES)}")
    built = _CUDA in load_onnxruntime().get_available_providers()
    if device == 'cuda' and not built:
        raise InputError(
            'this ONNX Runtime has no CUDA; run: make setup EXTRAS=gpu, or choose another device'
        )
    cuda = (_CUDA, {'gpu_mem_limit': _GPU_MEMORY})
    return (cuda, *_ON_CPU) if built and device != 'cpu' else _ON_CPU


def check_provider(device: str, provider: str) -> str | None:
    """Hold what runs a network against where it was to run.

    ONNX Runtime falls back to the CPU where CUDA cannot be used, and does not fail.

    Parameters
    ----------
    device : str
        That was asked for.
    provider : str
        Execution provider that is really used.

    Returns
    -------
    str or None
        What to tell of a fallback that was allowed; None where there was none.

    Raises
    ------
    InputError
        CUDA was asked for, and is not used.
    """
    if provider == _CUDA or device == 'cpu':
        return None
    if device == 'cuda':
        raise InputError(
            'ONNX Runtime cannot use CUDA here: check the driver (nvidia-smi), CUDA and cuDNN, or '
            'choose device auto or cpu'
        )
    if _CUDA in load_onnxruntime().get_available_providers():
        return 'CUDA cannot be used: the network runs on the CPU'
    return None


def open_model(
    model: Path,
    task: str,
    outputs: Sequence[str],
    providers: Sequence[object] = _ON_CPU,
) -> onnxruntime.InferenceSession:
    """Load a small network to be run on one thread.

    Parameters
    ----------
    model : Path
    task : str
        What it is for, in the words of messages.
    outputs : sequence of str
        That it must have.
    providers : sequence
        Execution providers of ONNX Runtime, best first; see `execution_providers`.

    Raises
    ------
    InputError
        The model is missing or is another one.
    """
    if not model.exists():
        raise InputError(f'{task} {model} not found')
    onnxruntime = load_onnxruntime()
    content = read_network(model, task)
    options = onnxruntime.SessionOptions()
    # The networks are too small for more: a second thread costs more than it brings.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(content, options, providers=list(providers))
    except Exception as error:  # the package has no common base class for its errors
        raise InputError(f'{task} {model} cannot be loaded: {error}') from error
    missing = set(outputs) - {output.name for output in session.get_outputs()}
    if missing:
        raise InputError(f'{task} {model} is another network: no output {sorted(missing)[0]}')
    return session


YUNET = PackagedModel(
    task='face detector',
    file='yunet/yunet_2023mar.onnx',
    sha256='b1b3061b1ae7a43bcc1497284ade754f701db774ef3a19481edcaf27fbc425b1',
)
"""YuNet 2023mar (MIT) with images of any size; see models/yunet."""

SILERO_VAD = PackagedModel(
    task='voice activity detector',
    file='silero_vad/silero_vad_16k_batches.onnx',
    sha256='b51cfc799cf807d78a6da5440b351003152f8ea86db49e7302f8755d1a986535',
)
"""Silero VAD 6.2 (MIT) for several signals at a time; see models/silero_vad."""

PACKAGED_MODELS = (YUNET, SILERO_VAD)
"""All that the nodes run."""
