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

from pathlib import Path

import cv2
import numpy as np
import pytest

from av_tracker_nodes.models.zoo import YUNET


@pytest.fixture(scope='session')
def face_model():
    return YUNET.verified()


@pytest.fixture(scope='session')
def portrait():
    """Eileen Collins (NASA, public domain), 216 x 216 pixels around the face."""
    return cv2.imread(str(Path(__file__).parent / 'astronaut_face.png'))


@pytest.fixture(scope='session')
def clutter():
    """Four images of 360 x 288 pixels full of edges and colours, without a face."""
    images = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        image = cv2.resize(rng.integers(40, 216, (6, 8, 3), np.uint8), (360, 288))
        for _ in range(25):
            corner = rng.integers(0, (330, 260))
            opposite = corner + rng.integers(5, 90, 2)
            colour = rng.integers(0, 256, 3).tolist()
            cv2.rectangle(
                image, corner.tolist(), opposite.tolist(), colour, int(rng.choice([-1, 2]))
            )
        noise = rng.normal(0, 4, image.shape)
        images.append(np.clip(image + noise, 0, 255).astype(np.uint8))
    return images
