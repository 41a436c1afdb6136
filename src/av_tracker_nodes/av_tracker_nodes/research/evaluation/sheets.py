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

"""Tables of figures for a terminal and for the block of a document that a command writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from av_tracker_nodes import InputError

END = '<!-- end -->'


@dataclass(frozen=True)
class Sheet:
    """A table of text."""

    title: str
    header: list[str]
    rows: list[list[str]]

    def markdown(self) -> str:
        """Write it as Markdown."""
        rule = ['---', *['---:'] * (len(self.header) - 1)]
        lines = ['| ' + ' | '.join(cells) + ' |' for cells in (self.header, rule, *self.rows)]
        return '\n'.join([f'**{self.title}**', '', *lines, ''])

    def rich(self) -> Table:
        """Write it for a terminal."""
        table = Table(title=self.title)
        for number, heading in enumerate(self.header):
            table.add_column(heading, justify='right' if number else 'left')
        for row in self.rows:
            table.add_row(*row)
        return table


def figure(value: float | None, form: str, scale: float = 1) -> str:
    """Write a number in a format, such as ``.2f``; None, which nobody knows, is a dash."""
    return '-' if value is None else f'{scale * value:{form}}'


def with_interval(row: Mapping, name: str, form: str, scale: float = 1) -> str:
    """Write a number of a row, and its interval (``_low``, ``_high``) where there is one."""
    known = [row[name + end] for end in ('', '_low', '_high')]
    value, low, high = (figure(each, form, scale) for each in known)
    return value if known[0] is None or known[1:] == [None, None] else f'{value} ({low} to {high})'


def print_sheets(drawn: list[Sheet], console: Console | None = None) -> None:
    """Print tables to a terminal."""
    console = console or Console()
    for sheet in drawn:
        console.print(sheet.rich())


def markdown(drawn: list[Sheet], origin: str) -> str:
    """Write tables as Markdown, after a line on where they come from."""
    return '\n'.join([f'_{origin}_', '', *(sheet.markdown() for sheet in drawn)])


def publish(
    drawn: list[Sheet], origin: str, command: str, tables: Path, document: Path | None
) -> None:
    """Write tables as Markdown, put them into a document if there is one, and print them.

    Parameters
    ----------
    drawn : list of Sheet
    origin : str
        Where the figures come from, in a sentence.
    command : str
        That made them, see `replace_block`.
    tables : Path
        File to write.
    document : Path or None

    Raises
    ------
    InputError
        When the document is not there or has no markers.
    """
    text = markdown(drawn, origin)
    tables.write_text(text, encoding='utf-8')
    if document is not None:
        replace_block(document, command, text)
    print_sheets(drawn)


def begin_marker(command: str) -> str:
    """Line of a document before the block that a command writes."""
    return f'<!-- begin: written by av-tracker {command} -->'


def replace_block(document: Path, command: str, text: str) -> None:
    """Put text between the two markers of a document.

    Parameters
    ----------
    document : Path
    command : str
        Whose block it is, such as ``benchmark acoustics``.
    text : str

    Raises
    ------
    InputError
        When the document is not there or has no markers.
    """
    begin = begin_marker(command)
    try:
        before, rest = document.read_text(encoding='utf-8').split(begin, 1)
        after = rest.split(END, 1)[1]
    except OSError as error:
        raise InputError(f'cannot read {document}: {error.strerror}') from error
    except (ValueError, IndexError) as error:
        raise InputError(f'{document} lacks the lines {begin} and {END}') from error
    document.write_text(f'{before}{begin}\n\n{text}\n{END}{after}', encoding='utf-8')
