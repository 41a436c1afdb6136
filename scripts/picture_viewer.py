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

"""Take the picture of rerun in README, without a screen: ``python scripts/picture_viewer.py RRD``.

RRD is what ``av-tracker view out/demo/bag --save RRD`` writes. Rerun needs a driver of Vulkan,
which may be one in software (Debian's ``mesa-vulkan-drivers``).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from rerun.experimental import ViewerClient

PICTURE = Path(__file__).resolve().parents[1] / 'docs' / 'viewer.png'
SIZE, PORT = '1089x803', 9911
# A moment of the demo at which two people are in view and one of them speaks.
MOMENT_S = 17.6
PATIENCE_S = 120.0


def opened() -> ViewerClient | None:
    """Return the viewer once it has read its recording; None while it starts."""
    try:
        viewer = ViewerClient.connect(f'rerun+http://127.0.0.1:{PORT}/proxy')
        state = viewer.get_state()
    except (ConnectionError, RuntimeError):
        return None
    return viewer if state.recordings and not state.loading else None


def take_picture(recording: str) -> None:
    """Open a recording where no screen is needed and write :data:`PICTURE`."""
    command = ['rerun', '--headless', '--window-size', SIZE, '--bind', '127.0.0.1']
    command += ['--port', str(PORT), recording]
    # `rerun` starts the viewer as a child: both are in one group, and end together.
    with subprocess.Popen(command, start_new_session=True) as process:
        try:
            until = time.monotonic() + PATIENCE_S
            while (viewer := opened()) is None:
                if process.poll() is not None or time.monotonic() > until:
                    sys.exit(f'rerun did not open {recording}')
                time.sleep(0.5)
            for panel in ('top', 'blueprint'):
                viewer.run_command(f'ui.toggle_{panel}_panel')
            viewer.set_time('stamp', duration=MOMENT_S, play_state='paused')
            time.sleep(2.0)  # to draw the moment
            viewer.save_screenshot(str(PICTURE))
        finally:
            # It may have ended by itself, without a driver of Vulkan.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)


if __name__ == '__main__':
    take_picture(sys.argv[1])
