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

"""Images as messages of rclpy; apart from the rest, since only this needs OpenCV."""

from __future__ import annotations

from functools import partial

from av_tracker_nodes.nodes.conversions import make
from av_tracker_nodes.recordings.messages import images

_JPEG_QUALITY = 90

to_image = partial(images.to_image, make=make)
to_compressed_image = partial(images.to_compressed_image, quality=_JPEG_QUALITY, make=make)
