# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""The networks in torch, for training and export; the nodes run them with ONNX Runtime."""

from av_tracker_nodes.networks.avclnet import ABLATIONS, AvclNet, AvclObjective
from av_tracker_nodes.networks.scores import candidate_scores
from av_tracker_nodes.networks.spec import NetworkSpec, Variant

NETWORKS = {'avclnet': NetworkSpec(AvclNet, AvclObjective, candidate_scores, ABLATIONS)}
"""Networks by name."""

__all__ = ['NETWORKS', 'NetworkSpec', 'Variant']
