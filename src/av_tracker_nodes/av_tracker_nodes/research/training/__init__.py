# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Training of the networks: clips, samples, the training loop, export."""
