# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""The laboratory: nothing that runs on a robot needs it."""
