# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""How much better a beam hears somebody than a microphone does, on simulated scenes."""
