"""What is in a directory, as a page; for those who ask for that in the configuration.

Rules
-----
* Shown is what would be served, by name: no dotfiles, no links that lead out of the root.
* Names are escaped for HTML and for URLs; the page runs no scripts and loads nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from html import escape
from itertools import islice
from time import gmtime, strftime
from typing import Final
from urllib.parse import quote

from wampd.router.http.static.files import may_be_seen

MOST: Final = 2000
"""Names on one page."""
POLICY: Final = b"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_PAGE: Final = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>
<style>body{{font-family:sans-serif;margin:2em;color-scheme:light dark}}td{{padding:.1em 1em .1em 0}}</style></head>
<body><h1>{title}</h1><table>
{rows}
</table>{more}</body></html>
"""
_ROW: Final = '<tr><td><a href="{link}">{name}</a></td><td>{size}</td><td>{time}</td></tr>'


def page(directory: str, root: str, title: str) -> bytes:
    """The page of a directory, a real path below the real path ``root``."""
    try:
        with os.scandir(directory) as entries:
            seen = list(islice(_visible(entries, root), MOST + 1))
    except OSError:
        seen = []
    rows = [_row(*each) for each in sorted(seen[:MOST])]
    if os.path.realpath(directory) != root:
        rows.insert(0, _ROW.format(link="../", name="..", size="", time=""))
    more = "<p>… and more</p>" if len(seen) > MOST else ""
    text = _PAGE.format(title=escape(_shown(title)), rows="\n".join(rows), more=more)
    return text.encode()


def _visible(entries: Iterator[os.DirEntry[str]], root: str) -> Iterator[tuple[bool, str, int, float]]:
    """Whether it is a file, name, size and time of change of all that may be seen."""
    for entry in entries:
        if not may_be_seen(entry.name):
            continue
        try:
            if entry.is_symlink() and not _is_inside(os.path.realpath(entry.path), root):
                continue
            is_file = entry.is_file()
            if is_file or entry.is_dir():
                status = entry.stat()
                yield is_file, entry.name, status.st_size, status.st_mtime
        except OSError:  # gone by now
            continue


def _is_inside(real: str, root: str) -> bool:
    return all(map(may_be_seen, os.path.relpath(real, root).split(os.sep)))


def _row(is_file: bool, name: str, size: int, changed: float) -> str:
    slash = "" if is_file else "/"
    return _ROW.format(
        link="./" + quote(os.fsencode(name)) + slash,
        name=escape(_shown(name)) + slash,
        size=f"{size:,}".replace(",", " ") if is_file else "",
        time=strftime("%Y-%m-%d %H:%M", gmtime(changed)),
    )


def _shown(name: str) -> str:
    """A name, which need not be UTF-8, as text."""
    return os.fsencode(name).decode("utf-8", "replace")
