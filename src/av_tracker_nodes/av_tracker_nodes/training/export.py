# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Export of a trained network to ONNX, checked against torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.fusion.candidates import (
    CROP_SIZE,
    GLOBAL_MAP_SIZE,
    MAP_SIZE,
    SIGHT_FEATURES,
    SOUND_FEATURES,
)
from av_tracker_nodes.fusion.learned import BATCHES, Thresholds
from av_tracker_nodes.networks import NETWORKS
from av_tracker_nodes.networks.inputs import Inputs
from av_tracker_nodes.training.trainer import CHECKPOINT, SUMMARY

TOLERANCE = 1e-4

OUTPUTS = ('prediction', 'embedding', 'sight_embedding', 'sound_embedding')

_INPUTS = ('crops', 'maps', 'sight', 'sound', 'global_map', 'valid')
_OPSET = 20


class _OneImage(nn.Module):
    """A network on the candidates of one image, in the order of their places."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(
        self,
        crops: Tensor,
        maps: Tensor,
        sight: Tensor,
        sound: Tensor,
        global_map: Tensor,
        valid: Tensor,
    ) -> tuple[Tensor, ...]:
        slots = torch.arange(crops.shape[0])
        inputs = Inputs(crops, maps, sight, sound, global_map, slots, valid)
        features, prediction = self.network(inputs)
        return (
            prediction.joined(),
            self.network.embedding(features.picture),
            self.network.sight_embedding(features),
            self.network.sound_embedding(features),
        )


def export_network(training: Path, out: Path, thresholds: Thresholds | None = None) -> float:
    """Write a trained network as ONNX, with what is to be known of it.

    Parameters
    ----------
    training : Path
        Folder of a training.
    out : Path
        File to write.
    thresholds : Thresholds, optional
        From when on the network is believed.

    Returns
    -------
    float
        Largest difference between torch and ONNX Runtime on random input, relative to the largest
        number of that output, which is taken to be 1 at least.

    Raises
    ------
    InputError
        There is no finished training, or both differ by more than `TOLERANCE`.
    """
    summary = _summary(training)
    network = NETWORKS[summary['network']].network()
    state = torch.load(training / CHECKPOINT, map_location='cpu', weights_only=True)
    network.load_state_dict(state['network'])
    module = _OneImage(network).eval()
    out.parent.mkdir(parents=True, exist_ok=True)
    torch.onnx.export(
        module,
        _example(BATCHES[-1]),
        out,
        input_names=list(_INPUTS),
        output_names=list(OUTPUTS),
        dynamic_shapes=_dynamic_shapes(),
        opset_version=_OPSET,
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    _describe(
        out,
        {
            'network': summary['network'],
            'measure': 'vwswe' if summary['enhanced'] else 'vggcf',
            'thresholds': json.dumps(asdict(thresholds or Thresholds())),
            'parameters': str(sum(weights.numel() for weights in network.parameters())),
            'gflops_three_people': f'{_gflops(module, BATCHES[0]):.4f}',
            'training': json.dumps(summary),
        },
    )
    difference = max(_difference(module, out, count) for count in BATCHES)
    if difference > TOLERANCE:
        out.unlink()
        raise InputError(f'ONNX Runtime and torch differ by {difference:.2g}: nothing is written')
    return difference


def _summary(training: Path) -> dict:
    path = training / SUMMARY
    if not path.exists():
        raise InputError(f'no finished training in {training}: run av-tracker train to its end')
    return json.loads(path.read_text())


def _gflops(module: nn.Module, count: int) -> float:
    """Count floating-point operations, two a multiplication with addition (10^9)."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(*_example(count))
    return counter.get_total_flops() / 1e9


def _example(count: int) -> tuple[Tensor, ...]:
    """Draw random candidates, the last of which is none."""
    draw = torch.Generator().manual_seed(count)
    valid = torch.ones(1, count, dtype=torch.bool)
    valid[0, -1] = False
    return (
        torch.randint(0, 256, (count, CROP_SIZE, CROP_SIZE, 3), generator=draw, dtype=torch.uint8),
        torch.rand(count, MAP_SIZE, MAP_SIZE, generator=draw),
        torch.randn(count, SIGHT_FEATURES, generator=draw),
        torch.randn(count, SOUND_FEATURES, generator=draw),
        torch.rand(1, *GLOBAL_MAP_SIZE, generator=draw),
        valid,
    )


def _dynamic_shapes() -> tuple[dict, ...]:
    count = torch.export.Dim('candidates', min=2, max=64)
    return {0: count}, {0: count}, {0: count}, {0: count}, {}, {1: count}


def _describe(path: Path, facts: Mapping[str, str]) -> None:
    model = onnx.load(path)
    # The exporter notes where in whose folders each operation was written.
    for part in (*model.graph.node, *model.graph.value_info):
        del part.metadata_props[:]
        part.doc_string = ''
    onnx.helper.set_model_props(model, dict(facts))
    onnx.save(model, path)


def _difference(module: nn.Module, path: Path, count: int) -> float:
    example = _example(count)
    with torch.no_grad():
        expected = module(*example)
    session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
    feed = {name: tensor.numpy() for name, tensor in zip(_INPUTS, example, strict=True)}
    given = session.run(None, feed)
    rows = example[-1][0].numpy()
    pairs = [
        (ours[rows], theirs.numpy()[rows]) for ours, theirs in zip(given, expected, strict=True)
    ]
    return max(
        float(np.abs(ours - theirs).max() / max(np.abs(theirs).max(), 1.0))
        for ours, theirs in pairs
    )
