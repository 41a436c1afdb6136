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

"""What publications fixed about AV16.3: sessions, audio lags, and the frames that they score.

Sequences are named by their short names. Frame ranges are 1-based and inclusive, as printed.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from av_tracker_nodes import InputError
from av_tracker_nodes.research.datasets.sequence_names import short_name

_LOG = logging.getLogger(__name__)

SESSIONS = {
    'seq01': 8,
    'seq02': 9,
    'seq03': 8,
    'seq08': 10,
    'seq11': 9,
    'seq12': 10,
    'seq18': 10,
    'seq19': 9,
    'seq24': 10,
    'seq25': 10,
    'seq30': 11,
    'seq45': 10,
}
"""Recording session of each sequence: the cameras moved between sessions."""

AUDIO_LAGS = {
    'seq01': (5.84, 6.08, 7.24),
    'seq02': (7.88, 6.28, 9.44),
    'seq03': (5.96, 4.96, 7.00),
    'seq08': (4.80, 5.60, 5.24),
    'seq11': (6.64, 6.72, 5.48),
    'seq12': (0.44, -0.92, 0.52),
    'seq18': (2.32, 1.80, 3.32),
    'seq24': (0.84, -0.28, 1.60),
    'seq45': (2.48, 0.72, 3.72),
}
"""Start of the video after the start of the audio (s) of cameras 1, 2, 3 in published trackers.

Cameras 2 and 3 of seq02 and camera 3 of seq11 are corrected: the lists in circulation disagree
there with the frame ranges of the same authors. The timings files decide; this is a check.
"""

COPIED_LAGS = {
    'seq02': {2: (6.08, 'seq01'), 3: (7.24, 'seq01')},
    **{
        name: {1: (0.84, 'seq24'), 2: (-0.28, 'seq24'), 3: (1.60, 'seq24')}
        for name in ('seq25', 'seq30', 'seq40', 'seq45')
    },
}
"""Lags (s) in circulation that are those of another sequence, by camera.

Cameras 2 and 3 of seq02 in the code of STNet and MSMD-AVT, and all of four sequences in that of
AVCLNet, which for seq45 contradicts the other two.
"""

FRAME_RANGES = {
    'stnet': {
        'seq01': ((109, 5314), (103, 5308), (74, 5279)),
        'seq02': ((143, 4425), (183, 4465), (104, 4386)),
        'seq03': ((243, 5742), (268, 5767), (217, 5716)),
        'seq08': ((34, 515), (28, 496), (27, 513)),
        'seq11': ((71, 549), (70, 545), (101, 578)),
        'seq12': ((90, 1150), (124, 1184), (105, 1148)),
        'seq18': ((125, 1326), (138, 1339), (100, 1301)),
        'seq24': ((315, 500), (315, 528), (260, 481)),
        'seq25': ((125, 225), (210, 351), (80, 270)),
        'seq30': ((128, 248), (90, 195), (60, 145)),
        'seq45': ((302, 900), (360, 900), (360, 900)),
    },
    'av3t': {
        'seq08': ((35, 500), (25, 495), (25, 515)),
        'seq11': ((20, 549), (11, 544), (49, 578)),
        'seq12': ((90, 1160), (123, 1190), (80, 1155)),
        'seq18': ((43, 1326), (56, 1339), (18, 1301)),
        'seq19': ((1, 474), (19, 492), (31, 504)),
        'seq24': ((315, 500), (315, 528), (260, 481)),
        'seq25': ((125, 225), (210, 351), (80, 270)),
        'seq30': ((128, 248), (90, 195), (60, 145)),
        'seq45': ((302, 900), (360, 900), (360, 900)),
    },
}
"""First and last frame scored for cameras 1, 2, 3; ``stnet`` holds for its successors up to
AVCLNet, ``av3t`` follows Kilic et al. 2015."""

_LAG_TOLERANCE = 0.02


def frame_range(sequence: str, camera: int, protocol: str = 'stnet') -> tuple[int, int] | None:
    """Frames that a protocol scores.

    Parameters
    ----------
    sequence : str
        Full or short name.
    camera : int
        1, 2 or 3.
    protocol : str
        ``stnet`` or ``av3t``.

    Returns
    -------
    tuple of int or None
        First and last frame, 0-based, inclusive; None where nothing is published.
    """
    ranges = FRAME_RANGES.get(protocol, {}).get(short_name(sequence))
    if ranges is None:
        return None
    first, last = ranges[camera - 1]
    return first - 1, last - 1


def check_lag(sequence: str, camera: int, lag: float) -> bool:
    """Compare a lag (s) found in a timings file with the published one; warn when they differ."""
    lags = AUDIO_LAGS.get(short_name(sequence))
    if lags is None or abs(lags[camera - 1] - lag) <= _LAG_TOLERANCE:
        return True
    _LOG.warning(
        '%s camera %d: the timings file gives an audio lag of %.2f s, publications %.2f s; '
        'the timings file is used',
        sequence,
        camera,
        lag,
        lags[camera - 1],
    )
    return False


def refuse_copied_lags(sequence: str, lags: Mapping[int, float]) -> None:
    """Refuse timings that were made from a list in circulation that is known to be wrong.

    Parameters
    ----------
    sequence : str
        Full or short name.
    lags : mapping of int to float
        Of each camera whose timings are there (s).

    Raises
    ------
    InputError
        When all lags that `COPIED_LAGS` names, and two at least, are those of another sequence.
    """
    copied = COPIED_LAGS.get(short_name(sequence), {})
    known = [camera for camera in lags if camera in copied]
    if len(known) < 2:
        return
    if all(abs(lags[camera] - copied[camera][0]) <= _LAG_TOLERANCE for camera in known):
        source = copied[known[0]][1]
        raise InputError(
            f'the timings of {sequence} give the audio lags of {source}: they were made from a '
            'list that is known to be wrong; take the timings files of the corpus'
        )
