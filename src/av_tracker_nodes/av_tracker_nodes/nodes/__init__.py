# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""The ROS 2 nodes: each reads parameters, converts messages, calls one stage, and publishes.

Importing this package pins the thread pools of the numerical libraries to one thread, which has
to happen before they load: the nodes are processes of their own, and pools of several of them
fight for the processors.
"""

import os

for _pool in ('OMP', 'OPENBLAS', 'MKL', 'NUMEXPR', 'NUMBA'):
    os.environ.setdefault(f'{_pool}_NUM_THREADS', '1')
