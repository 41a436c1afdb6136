# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Results on disk, truth, metrics, and pictures of them."""
