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

"""Write examples/notebook.ipynb from docs/python.md: ``python3 scripts/write_notebook.py``."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAGE, NOTEBOOK = ROOT / 'docs' / 'python.md', ROOT / 'examples' / 'notebook.ipynb'
_CODE = re.compile(r'^```python\n(.*?)\n```\n', re.DOTALL | re.MULTILINE)
_START = """\
# To the folder that `make demo` has written to, the root of the repository.
import os
from pathlib import Path

here = Path.cwd()
os.chdir(next(folder for folder in (here, *here.parents) if (folder / 'out/demo/bag').exists()))"""


def code_of(page: str) -> list[str]:
    """Return the blocks of Python of a page of Markdown."""
    return _CODE.findall(page)


def notebook_of(page: str) -> dict[str, Any]:
    """Make a notebook (format 4.5) of a page of Markdown: its blocks of Python are the cells."""
    texts_and_code = _CODE.split(page)
    cells = []
    for number, source in enumerate(texts_and_code):
        kind = 'code' if number % 2 else 'markdown'
        if source.strip():
            cells.append(_cell(kind, source.strip()))
    cells.insert(1, _cell('code', _START))
    for number, cell in enumerate(cells):
        cell['id'] = f'cell-{number}'
    return {
        'cells': cells,
        'metadata': {
            'kernelspec': {'display_name': 'Python 3', 'language': 'python', 'name': 'python3'},
            'language_info': {'name': 'python'},
        },
        'nbformat': 4,
        'nbformat_minor': 5,
    }


def _cell(kind: str, source: str) -> dict[str, Any]:
    lines = source.splitlines(keepends=True)
    cell = {'cell_type': kind, 'id': '', 'metadata': {}, 'source': lines}
    return cell | {'execution_count': None, 'outputs': []} if kind == 'code' else cell


if __name__ == '__main__':
    page = notebook_of(PAGE.read_text(encoding='utf-8'))
    NOTEBOOK.write_text(json.dumps(page, indent=1) + '\n', encoding='utf-8')
