# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""The networks in torch, for training and export; the nodes run them with ONNX Runtime."""

from av_tracker_nodes.research.networks import avclnet, gldtracker, msmd_avt, stnet
from av_tracker_nodes.research.networks.spec import NetworkSpec, Variant

NETWORKS = {
    'avclnet': avclnet.SPEC,
    'stnet': stnet.SPEC,
    'msmd_avt': msmd_avt.SPEC,
    'gldtracker': gldtracker.SPEC,
}
"""Networks by name."""

__all__ = ['NETWORKS', 'NetworkSpec', 'Variant']
