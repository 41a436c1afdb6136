# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Numbers of messages that somebody can have meant.

A number that is not finite, or absurd, would go on from node to node and stay in their memories
for ever. It is refused where a message is read.
"""

from __future__ import annotations

import numpy as np

from av_tracker_nodes.errors import InputError

LARGEST = 1e6
"""Metres, pixels, and whatever else tells of people in a room are far below."""
_UNIT = 0.01


def check_numbers(what: str, *values: object) -> None:
    """Refuse numbers that are not finite or absurd.

    Parameters
    ----------
    what : str
        Has the numbers.
    *values : float or array_like

    Raises
    ------
    InputError
        One of them is.
    """
    for value in values:
        # NaN compares false.
        if not (np.abs(value) <= LARGEST).all():
            raise InputError(f'{what} has numbers that are not finite, or above {LARGEST:.0e}')


def check_box(what: str, box: np.ndarray, least: float = 0.0) -> None:
    """Refuse a box (left, top, width, height) with a side of `least` pixels or less.

    Raises
    ------
    InputError
        It has one, or absurd numbers.
    """
    check_numbers(what, box)
    if not (box[2:] > least).all():
        raise InputError(f'{what} has a box of {box[2]:g} x {box[3]:g} pixels')


def check_embedding(what: str, embedding: object) -> None:
    """Refuse an embedding that is not of unit length; it may be empty.

    Raises
    ------
    InputError
        It is not.
    """
    check_numbers(what, embedding)
    length = float(np.linalg.norm(embedding)) if len(embedding) else 1.0
    if not abs(length - 1) < _UNIT:
        raise InputError(f'{what} has an embedding of length {length:g} instead of 1')


def check_covariance(what: str, covariance: np.ndarray) -> None:
    """Refuse what is no covariance matrix.

    Raises
    ------
    InputError
        It has absurd numbers, is not symmetric, or has negative eigenvalues.
    """
    check_numbers(what, covariance)
    smallest, *_, largest = np.linalg.eigvalsh(covariance)
    tolerance = 1e-6 * max(largest, 1e-9)
    if smallest < -tolerance or np.abs(covariance - covariance.T).max() > tolerance:
        raise InputError(f'{what} has a covariance that is none')
