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

"""Values of YAML files, checked as they are read, with errors that name the file and the value."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from reprlib import repr as shortened
from typing import Any

import numpy as np

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.errors.yaml_text import read_yaml


@dataclass(frozen=True)
class YamlFile:
    """A mapping of a YAML file, or a part of it; `where` names the part in errors."""

    path: Path
    content: dict[str, Any]
    where: str = ''

    @classmethod
    def open(cls, path: Path | str) -> YamlFile:
        """Read a file.

        Raises
        ------
        InputError
            When it cannot be read, or is no YAML mapping. So do all methods whose value is
            missing or of another kind.
        """
        path = Path(path)
        content = read_yaml(path, 'calibration file')
        if not isinstance(content, dict):
            raise InputError(f'calibration file {path} must hold names and values')
        return cls(path, content)

    def part(self, name: str, content: Any) -> YamlFile:
        """Take `content`, which stands under a name here, as a mapping of its own."""
        if not isinstance(content, dict):
            raise self.error(name, 'must hold names and values')
        return YamlFile(self.path, content, f'{self.where}{name}.')

    def error(self, name: str, problem: str) -> InputError:
        """Return the error that a value has a problem."""
        return InputError(f'{self.path}: {self.where}{name}: {problem}')

    def require(self, name: str) -> Any:
        """Return a value that must be there."""
        if name not in self.content:
            raise self.error(name, 'is missing')
        return self.content[name]

    def text(self, name: str) -> str:
        """Return a text that is not empty."""
        value = self.require(name)
        if not isinstance(value, str) or not value:
            raise self.error(name, f'must be a text, got {shortened(value)}')
        return value

    def flag(self, name: str) -> bool:
        """Return true or false; false where it is left out."""
        value = self.content.get(name, False)
        if not isinstance(value, bool):
            raise self.error(name, f'must be true or false, got {shortened(value)}')
        return value

    def count(self, name: str, most: int) -> int:
        """Return a whole number above 0, and no larger than `most`."""
        value = self.index(name)
        if value == 0:
            raise self.error(name, 'must be positive, got 0')
        if value > most:
            raise self.error(name, f'must be {most} at most, got {value}')
        return value

    def choice(self, name: str, choices: Collection[str], default: str) -> str:
        """Return one of some texts."""
        value = self.content.get(name, default)
        if not isinstance(value, str) or value not in choices:
            raise self.error(name, f'must be one of {", ".join(choices)}, got {shortened(value)}')
        return value

    def indices(self, name: str) -> list[int]:
        """Return a list of whole numbers of 0 or more; empty where it is left out."""
        value = self.content.get(name, [])
        if not isinstance(value, list):
            raise self.error(name, f'must be a list of whole numbers, got {shortened(value)}')
        items = YamlFile(self.path, {f'{name}[{k}]': v for k, v in enumerate(value)}, self.where)
        return [items.index(item) for item in items.content]

    def only(self, names: Collection[str]) -> None:
        """Refuse unknown names, which are probably misspelt."""
        for name in self.content:
            if name not in names:
                raise self.error(name, f'is unknown; known are {", ".join(names)}')

    def index(self, name: str, default: int | None = None) -> int:
        """Return a whole number of 0 or more."""
        value = self.require(name) if default is None else self.content.get(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise self.error(name, f'must be a whole number, 0 or more, got {shortened(value)}')
        return value

    def positive(self, name: str, default: float | None = None) -> float:
        """Return a number above 0."""
        number = self.number(name) if name in self.content or default is None else default
        if number <= 0:
            raise self.error(name, f'must be positive, got {number}')
        return number

    def number(self, name: str) -> float:
        """Return a finite number."""
        return float(self._numbers(name, [self.require(name)])[0])

    def vector(self, name: str, size: int) -> np.ndarray:
        """Return a list of finite numbers, shape (size,)."""
        value = self.require(name)
        if not isinstance(value, list) or len(value) != size:
            raise self.error(name, f'must be a list of {size} numbers, got {shortened(value)}')
        return self._numbers(name, value)

    def matrix(self, name: str, rows: int, columns: int) -> np.ndarray:
        """Return a matrix in the notation of ROS, its numbers row by row in ``data``."""
        part = self.part(name, self.require(name))
        return part.vector('data', rows * columns).reshape(rows, columns)

    def _numbers(self, name: str, values: list) -> np.ndarray:
        plain = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values)
        if not plain or not np.isfinite(values).all():
            raise self.error(name, f'must be finite numbers, got {shortened(values)}')
        return np.array(values, float)
