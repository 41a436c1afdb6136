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

"""The newest image of a camera, however slowly its images are used."""

from __future__ import annotations

import threading

from av_tracker_nodes.capture.image_source import CapturedImage, ImageSource


class NewestImage:
    """Reads an open source in a thread of its own and keeps only the newest image.

    Without it images would queue up in the network and driver of a camera, and be later and later.

    Attributes
    ----------
    skipped : int
        Images that came and were replaced by newer ones before anybody took them.
    has_ended : bool
        Whether the source is at its end or was cut off.
    """

    def __init__(self, source: ImageSource) -> None:
        self._source = source
        self._changed = threading.Condition()
        self._image: CapturedImage | None = None
        self.skipped = 0
        self.has_ended = False
        self._stopped = False
        self._thread = threading.Thread(target=self._read, name='camera', daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> CapturedImage | None:
        """Return the newest image that was not returned yet; None when none comes in time."""
        with self._changed:
            self._changed.wait_for(lambda: self._image is not None or self.has_ended, seconds)
            image, self._image = self._image, None
            return image

    def close(self, patience: float = 1.0) -> None:
        """Close the source, unless a read of it hangs for longer than `patience` (s)."""
        self._stopped = True
        self._thread.join(patience)
        if not self._thread.is_alive():
            self._source.close()

    def _read(self) -> None:
        try:
            while not self._stopped and (image := self._source.read()) is not None:
                with self._changed:
                    self.skipped += self._image is not None
                    self._image = image
                    self._changed.notify()
        finally:
            with self._changed:
                self.has_ended = True
                self._changed.notify()
