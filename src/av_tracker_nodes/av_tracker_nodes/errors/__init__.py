# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Errors that a user can mend, and settings that raise them."""

from av_tracker_nodes.errors.installing import how_to_install

__all__ = ['InputError', 'how_to_install']


class InputError(ValueError):
    """Input is missing or malformed; the message says what, where, and what to do.

    Command line tools print it as one line and exit with status 2.
    """
