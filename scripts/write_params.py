# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Write launch/params.yaml from what the nodes say of their parameters.

Run it after a parameter has changed: ``. .venv/environment.sh && .venv/bin/python
scripts/write_params.py``.
"""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import rclpy
from rclpy.node import Node

from av_tracker_nodes.nodes.acoustic_map import AcousticMapNode
from av_tracker_nodes.nodes.face_detector import FaceDetector
from av_tracker_nodes.nodes.fusion import Fusion
from av_tracker_nodes.nodes.tracker import Tracker

TARGET = Path(__file__).resolve().parents[1] / 'launch' / 'params.yaml'
TEXT_WIDTH = 90
HEAD = """\
# Parameters of the nodes: av_tracker.launch.py params_file:=FILE takes another file than this one.
#
# Lines that begin with "# name: value" show the default; take the "# " away to change it. What the
# launch file has an argument for (target_frame, model, devices, ...) is set there.
# `ros2 param describe NODE PARAMETER` tells every parameter with its range.
"""
SET_BY_LAUNCH = {
    'face_detector': {'target_frame', 'image_transport', 'reliable_images'},
    'acoustic_map': {'target_frame', 'measure', 'patience', 'audio_offset'},
    'fusion': {'target_frame', 'model', 'patience'},
    'tracker': {'target_frame', 'publish_tf'},
}
SET_BY_LAUNCH_FOR_ALL = {
    'use_sim_time',
    'start_type_description_service',
    'camera_calibration',
    'array_calibration',
    'image_transport',
    'reliable_images',
}


def section(node: Node) -> str:
    """Describe the parameters of a node; the first one is set, since YAML wants a mapping."""
    name = node.get_name()
    lines = [f'/**/{name}:', '  ros__parameters:']
    hidden = SET_BY_LAUNCH_FOR_ALL | SET_BY_LAUNCH[name]
    shown = [p for p in node.get_parameters_by_prefix('') if p not in hidden]
    for index, parameter in enumerate(shown):
        described = node.describe_parameter(parameter)
        text = described.description
        for limits in described.floating_point_range:
            text += f' [{limits.from_value:g} .. {limits.to_value:g}]'
        if described.additional_constraints:
            text += f' [{described.additional_constraints}]'
        lines += [f'    # {line}' for line in textwrap.wrap(text, TEXT_WIDTH)]
        value = json.dumps(node.get_parameter(parameter).value).replace('"', "'")
        lines.append(f'    {"# " if index else ""}{parameter}: {value}')
    return '\n'.join(lines) + '\n'


def main() -> None:
    """Write the file."""
    rclpy.init()
    nodes = [make() for make in (FaceDetector, AcousticMapNode, Fusion, Tracker)]
    TARGET.write_text('\n'.join([HEAD, *map(section, nodes)]))
    rclpy.shutdown()


if __name__ == '__main__':
    main()
