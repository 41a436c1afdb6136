# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""How well simulated people are found, by skin tone, hair, beard, glasses, sex and age."""
