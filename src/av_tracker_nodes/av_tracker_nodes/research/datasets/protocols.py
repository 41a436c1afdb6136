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

"""Published evaluations by name: which recordings, which frames, what is compared and how.

What a source leaves open is said in `Protocol.open_points`. Sources:

STNet
    Y. Li, H. Liu, B. Yang, "STNet: Deep Audio-Visual Fusion Network for Robust Speaker Tracking",
    IEEE Transactions on Multimedia, 2024, arXiv 2410.05964; code github.com/liyidi/STNet.
MSMD-AVT
    Y. Li et al., "Multi-Stage Multimodal Distillation for Audio-Visual Speaker Tracking", ICASSP
    2025; code github.com/moyitech/MSMD-AVT.
GLDTracker
    Y. Li et al., "Global-Local Distillation Network-Based Audio-Visual Speaker Tracking with
    Incomplete Modalities", arXiv 2408.14585.
AVCLNet
    Y. Li et al., "AVCLNet: Multimodal Multispeaker Tracking Network Using Audio-Visual
    Contrastive Learning", CAAI Transactions on Intelligence Technology, 2025.
AV3T
    X. Qian et al., "Multi-Speaker Tracking From an Audio-Visual Sensing Device", IEEE
    Transactions on Multimedia, 2019; code github.com/smartcameras/AV3T.
"""

from __future__ import annotations

from dataclasses import dataclass

from av_tracker_nodes import InputError

AV163, CAV3D = 'AV16.3', 'CAV3D'

_SINGLE = ('seq08', 'seq11', 'seq12')
_TWO = ('seq24', 'seq25', 'seq30')
_MANY = (*_TWO, 'seq45')


@dataclass(frozen=True)
class Protocol:
    """A published evaluation.

    Attributes
    ----------
    name, title : str
    corpus : str
        ``AV16.3`` or ``CAV3D``.
    sequences : tuple of str
        Short names.
    cameras : tuple of int
        Every sequence is run with each.
    metrics : tuple of str
        Scores that are published, under the names that ``metrics.json`` gives them.
    sources : tuple of str
        Where each of these facts was published; see the module.
    publication : str or None
        Whose frame ranges are scored; None scores wherever somebody is annotated.
    target : str
        ``box``: centre of the face box; ``mouth``.
    gate_share : float
        Longest distance of a match as a share of the diagonal of the image (MOTA, MOTP).
    success_share : float
        Largest error of a success as a share of the diagonal of the true box (ACC, MAE*).
    incomplete : bool
        The middle third of every picture is covered, and only microphones 2, 4, 6 and 8 of each
        array are used.
    initialisation : str
        How the published trackers start.
    open_points : tuple of str
        What the sources do not say, and what is done here.
    """

    name: str
    title: str
    corpus: str
    sequences: tuple[str, ...]
    cameras: tuple[int, ...]
    metrics: tuple[str, ...]
    sources: tuple[str, ...]
    publication: str | None = 'stnet'
    target: str = 'box'
    gate_share: float = 1 / 15
    success_share: float = 1 / 2
    incomplete: bool = False
    initialisation: str = 'the true box of the frame before the first'
    open_points: tuple[str, ...] = ()


AVERAGING = 'plain mean over the runs, each sequence with each camera, whatever their lengths'
"""How every source averages: the tables of GLDTracker and AVCLNet are so (recomputed)."""

_RANGES = 'frames: lists of start and end in the code of STNet and MSMD-AVT'
_NO_BOXES = (
    'the face boxes (GT2D) of the STNet group are not part of the corpus; without them the box is '
    'that of AV3T, 0.15 m x 0.20 m at the annotated mouth'
)
_OWN_THRESHOLD = (
    'the threshold of STNet for MOTA is not published; that of AVCLNet, which says to follow the '
    'same evaluation, is used'
)
_CAV3D_TARGET = (
    'no boxes are published for CAV3D: the annotated mouth, projected, is the target, as in AV3T'
)

_PROTOCOLS = (
    Protocol(
        'stnet-sot',
        'AV16.3, one speaker (STNet, MSMD-AVT)',
        AV163,
        _SINGLE,
        (1, 2, 3),
        ('mae_px', 'mae_3d_m'),
        (
            'sequences, target, MAE: STNet (MSMD-AVT the same)',
            _RANGES,
        ),
        open_points=(_NO_BOXES,),
    ),
    Protocol(
        'stnet-mot',
        'AV16.3, two speakers (STNet)',
        AV163,
        _TWO,
        (1, 2, 3),
        ('mae_px', 'mota', 'motp_px'),
        (
            'sequences and target: STNet, which tracks each person separately',
            _RANGES,
            'threshold: AVCLNet section 4.1.2',
        ),
        open_points=(_NO_BOXES, _OWN_THRESHOLD),
    ),
    Protocol(
        'gld-standard',
        'AV16.3, one speaker (GLDTracker, standard)',
        AV163,
        _SINGLE,
        (1, 2, 3),
        ('mae_px', 'acc'),
        (
            'sequences, MAE, ACC (half the diagonal of the true box): GLDTracker section IV-A',
            _RANGES,
        ),
        open_points=(
            _NO_BOXES,
            'the test script of MSMD-AVT takes 1/30 of the diagonal; the paper is followed',
        ),
    ),
    Protocol(
        'gld-incomplete',
        'AV16.3, one speaker, picture and sound incomplete (GLDTracker)',
        AV163,
        _SINGLE,
        (1, 2, 3),
        ('mae_px', 'acc'),
        (
            'middle third of the frames occluded, microphones 2, 4, 6, 8 of each array: '
            'GLDTracker section IV-A',
            _RANGES,
        ),
        incomplete=True,
        open_points=(
            _NO_BOXES,
            'which third is in the middle is not said; a vertical band, as in figure 5, is grey',
        ),
    ),
    Protocol(
        'avcl-mot',
        'AV16.3, two and three speakers (AVCLNet)',
        AV163,
        _MANY,
        (1, 2, 3),
        ('mae_px', 'mota', 'motp_px', 'ids'),
        (
            'sequences, MAE (eq 20), MOTA (eq 21), MOTP (eq 22), threshold of 1/15 of the '
            'diagonal: AVCLNet sections 4.1.1 and 4.1.2',
            _RANGES,
        ),
        initialisation='face detections',
        open_points=(
            _NO_BOXES,
            'the frames of AVCLNet are not printed: those of its code, which are those of STNet '
            '(seq45: 302-900, 360-900, 360-900)',
            'how MAE counts people that the tracker has not found is not said: they are left out '
            'until they are found, and the share that counts is shown',
            'IDS is printed as one number; the sum over all runs is the likely reading, and is '
            'shown',
        ),
    ),
    Protocol(
        'cav3d-sot',
        'CAV3D, one speaker (STNet)',
        CAV3D,
        tuple(f'seq{number:02d}' for number in (*range(6, 14), 20)),
        (5,),
        ('mae_px', 'mae_3d_m'),
        (
            'sequences: the page of CAV3D (SOT); MAE: STNet',
            'frames: columns 8 and 9 of CAV3D_AVsync_content.txt, as AV3T reads them',
        ),
        publication='cav3d',
        target='mouth',
        open_points=(_CAV3D_TARGET,),
    ),
    Protocol(
        'cav3d-mot',
        'CAV3D, two and three speakers (STNet, AVCLNet)',
        CAV3D,
        tuple(f'seq{number}' for number in range(22, 27)),
        (5,),
        ('mae_px', 'mae_star_px', 'mota', 'motp_px', 'ids'),
        (
            'sequences: the page of CAV3D (MOT); scores: AVCLNet section 4.1.2 and table 2',
            'frames: columns 8 and 9 of CAV3D_AVsync_content.txt, as AV3T reads them',
        ),
        publication='cav3d',
        target='mouth',
        initialisation='face detections (AVCLNet)',
        open_points=(
            _CAV3D_TARGET,
            'AVCLNet trains on three of the five sequences and tests on two, and does not say '
            'which: all five are run here',
            'what counts as tracked for MAE* is not said: half the diagonal of the true box',
        ),
    ),
    Protocol(
        'simulated',
        'Stand-ins of the sequences of AV16.3, every image',
        AV163,
        (*_SINGLE, *_MANY),
        (1, 2, 3),
        ('mae_px', 'acc', 'mota', 'motp_px', 'ids', 'idf1', 'mae_3d_m', 'speaking_f1'),
        ('made here: av-tracker simulate-corpus',),
        publication=None,
        initialisation='face detections',
    ),
)

PROTOCOLS = {protocol.name: protocol for protocol in _PROTOCOLS}
"""Published evaluations by name."""


def find_protocol(name: str) -> Protocol:
    """Return a protocol.

    Raises
    ------
    InputError
        When there is none of that name.
    """
    if name not in PROTOCOLS:
        raise InputError(f"no protocol '{name}'; there are {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]
