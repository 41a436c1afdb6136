# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Which processes run together, and how they are started and ended."""
