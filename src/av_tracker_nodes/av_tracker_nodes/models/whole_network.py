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

"""Networks from elsewhere, looked at as a whole before ONNX Runtime makes anything of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.errors.files import MEGABYTE, read_bytes

if TYPE_CHECKING:
    from onnx import ModelProto, ValueInfoProto

_LARGEST = 256 * MEGABYTE
_MOST_NUMBERS = 1 << 26
"""That a tensor between two operators may have, where its shape is known."""
_STANDARD = ('', 'ai.onnx')


def read_network(path: Path, task: str) -> bytes:
    """Read a network whose weights are all in its file, of standard operators.

    Parameters
    ----------
    path : Path
    task : str
        What it is for, in the words of messages.

    Raises
    ------
    InputError
        It cannot be read, is malformed, names other files, has operators that are no standard
        ones, or tensors that do not fit into memory.
    """
    import onnx

    content = read_bytes(path, task, _LARGEST)
    try:
        model = onnx.load_from_string(content)
        _refuse_other_files_and_operators(model)
        onnx.checker.check_model(content)
        _refuse_large_tensors(onnx.shape_inference.infer_shapes(model, data_prop=True))
    except Exception as error:  # the package lets errors of every kind through
        raise InputError(f'{task} {path} cannot be loaded: {error}') from error
    return content


def _refuse_other_files_and_operators(model: ModelProto) -> None:
    """Refuse weights in other files: some versions of ONNX Runtime read them from any path.

    They can be wherever a tensor can: among the weights, dense and sparse, and in the attributes
    of nodes of the graph, of graphs in these, and of functions.
    """
    domains = {*_STANDARD, *(function.domain for function in model.functions)}
    for part in _parts(model):
        kind = part.DESCRIPTOR.name
        if kind == 'TensorProto' and (part.external_data or part.data_location == part.EXTERNAL):
            raise ValueError('its weights are in another file')
        if kind == 'NodeProto' and part.domain not in domains:
            raise ValueError(f"operator {part.op_type} of '{part.domain}' is no standard one")


def _parts(message: Any) -> Iterator[Any]:
    """Yield a message and all messages in it, however deep."""
    waiting = [message]
    while waiting:
        part = waiting.pop()
        yield part
        for field, value in part.ListFields():
            single = isinstance(value, (str, bytes)) or not isinstance(value, Sequence)
            values = [value] if single else value
            if field.message_type is not None:
                waiting.extend(values)
            elif field.type == field.TYPE_STRING and any(isinstance(v, bytes) for v in values):
                # What is not UTF-8 comes as bytes.
                raise ValueError(f'a {field.name} is no text in UTF-8')


def _refuse_large_tensors(model: ModelProto) -> None:
    graph = model.graph
    for value in (*graph.input, *graph.value_info, *graph.output):
        if prod(_known_sides(value)) > _MOST_NUMBERS:
            raise ValueError(f"'{value.name}' has more than {_MOST_NUMBERS} numbers")


def _known_sides(value: ValueInfoProto) -> Iterator[int]:
    for side in value.type.tensor_type.shape.dim:
        yield max(side.dim_value, 1) if side.HasField('dim_value') else 1
