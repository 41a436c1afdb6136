# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Which simulated scenes may be used for what: decided by the seed alone."""

from __future__ import annotations

from enum import Enum

from av_tracker_nodes import InputError


class Split(Enum):
    """Use of a scene; voices and faces of one split never appear in another."""

    TRAIN = 'train'
    VALIDATION = 'validation'
    TEST = 'test'

    @classmethod
    def of_seed(cls, seed: int) -> Split:
        """Return the split of a seed: below 1000, below 2000, and above."""
        if seed < 0:
            raise InputError(f'seed {seed}: seeds start at 0')
        if seed < 1000:
            return cls.TRAIN
        return cls.VALIDATION if seed < 2000 else cls.TEST
