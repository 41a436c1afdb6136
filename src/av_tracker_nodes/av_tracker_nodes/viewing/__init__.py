# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""What people are shown of the tracks, in RViz and in rerun.

:mod:`.shapes`, :mod:`.trails` and :mod:`.sound` are what both draw; the rest needs rerun-sdk.
"""
