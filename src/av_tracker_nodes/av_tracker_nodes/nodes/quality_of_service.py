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

"""Quality of service of every kind of topic."""

from __future__ import annotations

from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

RESULTS = QoSProfile(depth=50, reliability=ReliabilityPolicy.RELIABLE)
"""Results of stages, 2 s deep."""

REPORTS = QoSProfile(depth=50)
"""What nodes say of themselves once a second."""

AUDIO = QoSProfile(depth=200, reliability=ReliabilityPolicy.RELIABLE)
"""Sound, 2 s deep: a lost block breaks the frames around it."""

LATCHED = QoSProfile(
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)
"""Descriptions that hold until further notice: late joiners get the last one."""

CAMERA = QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE)
"""What a camera offers: readers of either reliability get images (REP 2003)."""

TRANSFORMS = QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE)
STATIC_TRANSFORMS = QoSProfile(
    depth=100,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)
"""What tf2_ros uses on ``/tf`` and ``/tf_static``."""

EVERY_IMAGE = QoSProfile(depth=250, reliability=ReliabilityPolicy.RELIABLE)
"""Images of which none may be lost, 10 s deep."""


PLAYED_IMAGES = QoSProfile(depth=32, reliability=ReliabilityPolicy.RELIABLE)
"""What a player offers: readers queue as many as they like, who starts late gets these (1.3 s)."""

PLAYED_AUDIO = QoSProfile(depth=300, reliability=ReliabilityPolicy.RELIABLE)
"""Of the sound more (3 s): maps look back."""

PLAYED_INFOS = TRACKS = QoSProfile(depth=250, reliability=ReliabilityPolicy.RELIABLE)
"""What tells of images, and tracks, 10 s deep: who writes them may start late and lack none."""


def with_past(profile: QoSProfile, times: int = 1) -> QoSProfile:
    """Return the profile of a topic whose last messages are kept for who starts late.

    A reader has room for some `times` as many, as they come at once.
    """
    return QoSProfile(
        depth=times * profile.depth,
        reliability=profile.reliability,
        durability=DurabilityPolicy.TRANSIENT_LOCAL,
    )


def images(reliable: bool, depth: int = 1) -> QoSProfile:
    """Return the profile of readers of images and of what comes with each of them.

    A robot wants the newest image and drops what it has no time for, or keeps up to `depth`; a
    replay asks for all of them.
    """
    if reliable:
        return EVERY_IMAGE
    return QoSProfile(depth=depth, reliability=ReliabilityPolicy.BEST_EFFORT)
