# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Tables of figures."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table


def print_result(title: str, result: dict[str, float | None]) -> None:
    """Print named figures as a table; None is something that was not run."""
    table = Table('figure', 'value', title=title)
    for name, value in result.items():
        table.add_row(name, '-' if value is None else f'{value:.4g}')
    Console().print(table)
