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

"""Export of a trained network to ONNX, checked against torch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from av_tracker_nodes import InputError
from av_tracker_nodes.fusion.network_session import BATCHES
from av_tracker_nodes.models.zoo import load_onnxruntime
from av_tracker_nodes.research.networks import NETWORKS
from av_tracker_nodes.research.training.onnx_forms import OnnxForm
from av_tracker_nodes.research.training.tasks import TASKS, Task
from av_tracker_nodes.research.training.trainer import CHECKPOINT, SUMMARY

TOLERANCE = 1e-4
_OPSET = 20


def export_network(
    training: Path, out: Path, thresholds: Mapping[str, float] | None = None
) -> float:
    """Write a trained network as ONNX, with what is to be known of it.

    Parameters
    ----------
    training : Path
        Folder of a training.
    out : Path
        File to write.
    thresholds : mapping of str to float, optional
        From when on the network is believed, where it differs from the defaults of its kind.

    Returns
    -------
    float
        Largest difference between torch and ONNX Runtime on random input, relative to the largest
        number of that output, which is taken to be 1 at least.

    Raises
    ------
    InputError
        There is no finished training, the network has no such threshold, or both differ by more
        than `TOLERANCE`.
    """
    summary = _summary(training)
    network = NETWORKS[summary['network']].network(**summary['network_options'])
    state = torch.load(training / CHECKPOINT, map_location='cpu', weights_only=True)
    network.load_state_dict(state['network'])
    task = TASKS[NETWORKS[summary['network']].task]
    believed, form = _thresholds(task, thresholds or {}), task.form
    module = form.module(network).eval()
    out.parent.mkdir(parents=True, exist_ok=True)
    facts = {
        'network': summary['network'],
        'task': NETWORKS[summary['network']].task,
        'measure': 'vwswe' if summary['enhanced'] else 'vggcf',
        'thresholds': json.dumps(asdict(believed)),
        'parameters': str(sum(weights.numel() for weights in network.parameters())),
        'gflops_three_people': f'{gflops(form, module, BATCHES[0]):.4f}',
        'training': json.dumps(summary),
    }
    shapes = form.dynamic_shapes()
    write_onnx(out, module, form.example(BATCHES[-1]), form.inputs, form.outputs, shapes, facts)
    difference = max(_difference(form, module, out, count) for count in BATCHES)
    if difference > TOLERANCE:
        out.unlink()
        raise InputError(f'ONNX Runtime and torch differ by {difference:.2g}: nothing is written')
    return difference


def _summary(training: Path) -> dict:
    path = training / SUMMARY
    if not path.exists():
        raise InputError(f'no finished training in {training}: run av-tracker train to its end')
    return json.loads(path.read_text())


def _thresholds(task: Task, values: Mapping[str, float]) -> Any:
    known = [field.name for field in fields(task.thresholds)]
    for name in values:
        if name not in known:
            raise InputError(f"no threshold '{name}'; there are {', '.join(known)}")
    return task.thresholds(**values)


def gflops(form: OnnxForm, module: nn.Module, count: int) -> float:
    """Count floating-point operations, two a multiplication with addition (10^9)."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(*form.example(count))
    return counter.get_total_flops() / 1e9


def write_onnx(
    path: Path,
    module: nn.Module,
    example: tuple[torch.Tensor, ...],
    inputs: Sequence[str],
    outputs: Sequence[str],
    dynamic_shapes: tuple[dict, ...],
    facts: Mapping[str, str],
) -> None:
    """Write a module, and what is to be known of it; nothing of the machine gets into the file."""
    torch.onnx.export(
        module,
        example,
        path,
        input_names=list(inputs),
        output_names=list(outputs),
        dynamic_shapes=dynamic_shapes,
        opset_version=_OPSET,
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    model = onnx.load(path)
    # The exporter notes where in whose folders each operation was written.
    for part in (*model.graph.node, *model.graph.value_info):
        del part.metadata_props[:]
        part.doc_string = ''
    onnx.helper.set_model_props(model, dict(facts))
    onnx.save(model, path)


def _difference(form: OnnxForm, module: nn.Module, path: Path, count: int) -> float:
    example = form.example(count)
    with torch.no_grad():
        expected = module(*example)
    session = load_onnxruntime().InferenceSession(path, providers=['CPUExecutionProvider'])
    feed = {name: tensor.numpy() for name, tensor in zip(form.inputs, example, strict=True)}
    given = session.run(None, feed)
    rows = form.rows(example)
    pairs = [
        (ours[rows], theirs.numpy()[rows]) for ours, theirs in zip(given, expected, strict=True)
    ]
    return max(
        float(np.abs(ours - theirs).max() / max(np.abs(theirs).max(), 1.0))
        for ours, theirs in pairs
    )
