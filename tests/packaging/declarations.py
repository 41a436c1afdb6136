# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""What files import, and what the requirements of this checkout name."""

import ast
import re

from bootstrap import REQUIREMENTS

ROS_NAME = re.compile(
    r'\w+_(msgs|srvs|interfaces)|rclpy|tf2_\w+|message_filters|bondpy|launch\w*|ament_\w+'
)


def imported(file):
    """Top-level names that a Python file imports anywhere."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split('.')[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split('.')[0]


def lines_of(group):
    """Lines of a requirements file that are no comments."""
    lines = (REQUIREMENTS / f'{group}.txt').read_text().splitlines()
    return [line for line in lines if re.match(r'\w', line)]


def names(group):
    """Names of the packages in a requirements file."""
    return {re.match(r'[\w.-]+', line)[0] for line in lines_of(group)}
