# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Trained networks of other authors, and how networks are opened.

The files of the others lie in ``models/`` as their authors published them. Each is checked against
a digest, changed where its declared shapes stand in the way, and kept in the user's cache.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import onnxruntime

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.models.graphs import for_several_signals, with_free_image_size
from av_tracker_nodes.models.shipped import shipped_file
from av_tracker_nodes.models.whole_network import read_network

if TYPE_CHECKING:
    from onnx import ModelProto

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
    name : str
        Of the prepared file; another one when `prepare` changes.
    file : str
        Path inside the folder ``models``.
    sha256 : str
        Digest of the file.
    prepare : callable
        Changes the graph in place into what is run.
    """

    task: str
    name: str
    file: str
    sha256: str
    prepare: Callable[[ModelProto], None]

    def ensure(self) -> Path:
        """Return the path of the prepared model; it is prepared on the first call.

        Raises
        ------
        InputError
            The file of the authors is missing or is another one, or the folder cannot be written.
        """
        # The digest in the name keeps a copy made from another file from being taken for this one.
        target = model_folder() / f'{self.name}_{self.sha256[:8]}.onnx'
        if not target.is_file():
            self._write_whole(target, self._prepared(self._verified()))
        return target

    def _verified(self) -> bytes:
        path = shipped_file(self.file, 'models')
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        if digest != self.sha256:
            raise InputError(
                f'{self.task} {path} has sha256 {digest}, expected {self.sha256}; '
                'install the package anew'
            )
        return content

    def _prepared(self, content: bytes) -> bytes:
        try:
            import onnx
        except ImportError as error:
            raise InputError(
                f'preparing the {self.task} needs the package onnx; run: pip install onnx'
            ) from error
        model = onnx.load_from_string(content)
        self.prepare(model)
        # Shapes inside the graph were inferred for the declared ones.
        del model.graph.value_info[:]
        return model.SerializeToString()

    def _write_whole(self, target: Path, content: bytes) -> None:
        """Write a file so that nobody ever sees half of it."""
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as file:
                file.write(content)
            # Other users of this machine run it too, as those of a container do.
            os.chmod(file.name, 0o644)
            os.replace(file.name, target)
        except OSError as error:
            raise InputError(
                f'cannot write the {self.task} to {target.parent} ({error.strerror}); '
                'set AV_TRACKER_MODELS to a folder that can be written'
            ) from error


def model_folder() -> Path:
    """Folder of prepared models: AV_TRACKER_MODELS, or ``av_tracker`` in the user's cache."""
    chosen = os.environ.get('AV_TRACKER_MODELS')
    if chosen:
        return Path(chosen)
    cache = os.environ.get('XDG_CACHE_HOME')
    return (Path(cache) if cache else Path.home() / '.cache') / 'av_tracker'


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
    built = _CUDA in onnxruntime.get_available_providers()
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
    if _CUDA in onnxruntime.get_available_providers():
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
    name='yunet_2023mar',
    file='yunet/face_detection_yunet_2023mar.onnx',
    sha256='8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4',
    prepare=with_free_image_size,
)
"""YuNet 2023mar (MIT), unchanged from OpenCV's model zoo; see models/yunet."""

SILERO_VAD = PackagedModel(
    task='voice activity detector',
    name='silero_vad_16k_batches',
    file='silero_vad/silero_vad_16k_sequence.onnx',
    sha256='9ccdacc4719d8aa7e45a77536bfabec45a03ba1f2fad5e241ab4060b24238a85',
    prepare=for_several_signals,
)
"""Silero VAD 6.2 (MIT), unchanged from the package of its authors; see models/silero_vad."""

PACKAGED_MODELS = (YUNET, SILERO_VAD)
"""All that the nodes run."""
