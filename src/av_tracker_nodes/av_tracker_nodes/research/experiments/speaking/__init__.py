# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Whether the right people are said to speak, by the complete chain on simulated rigs."""
