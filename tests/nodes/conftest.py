# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

import pytest
import rclpy


@pytest.fixture(scope='module')
def context():
    context = rclpy.Context()
    context.init()
    yield context
    context.try_shutdown()
