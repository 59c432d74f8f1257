"""Password files, as the program ``htpasswd`` writes them: a name and a hash on each line.

Rules
-----
* ``NAME:HASH``; empty lines, and lines that begin with ``#``, say nothing.
* Only slow hashes are taken: see `wampd.auth.hashes`. One line that is not good spoils the file, and no message shows a hash.
* All principals of a file have the same role.

Source: Apache HTTP Server, "htpasswd", "Password Formats".
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from wampd.auth import hashes
from wampd.auth.accounts import Account
from wampd.auth.methods import LONGEST_AUTHID, shown

LARGEST = 16 * 2**20
"""Bytes of a file."""


class PasswordFileError(Exception):
    """A file cannot be used; each of ``faults`` is a line's number, 0 for the file itself, and what is wrong there."""

    def __init__(self, faults: list[tuple[int, str]]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"line {line}: {why}" if line else why for line, why in faults))


def read(file: Path) -> dict[str, str]:
    """The hash of each name in a file. Raise `PasswordFileError`."""
    try:
        with file.open("rb") as stream:
            content = stream.read(LARGEST + 1)
    except OSError as trouble:
        raise PasswordFileError([(0, trouble.strerror or "it cannot be read")]) from None
    if len(content) > LARGEST:
        raise PasswordFileError([(0, f"it is longer than {LARGEST} bytes")])
    try:
        return parse(content.decode())
    except UnicodeDecodeError:
        raise PasswordFileError([(0, "it is not UTF-8")]) from None


def parse(text: str) -> dict[str, str]:
    """The hash of each name. Raise `PasswordFileError`."""
    found: dict[str, str] = {}
    faults: list[tuple[int, str]] = []
    for number, line in _lines(text):
        name, colon, value = line.partition(":")
        if not name or not colon:
            faults.append((number, "expected NAME:HASH"))
        elif len(name) > LONGEST_AUTHID:
            faults.append((number, f"a name has at most {LONGEST_AUTHID} characters"))
        elif name in found:
            faults.append((number, f"{shown(name)} is there twice"))
        elif why := hashes.fault(value):
            faults.append((number, f"the hash of {shown(name)} cannot be used: {why}"))
        else:
            found[name] = value
    if faults:
        raise PasswordFileError(faults)
    return found


def accounts_of(found: dict[str, str], role: str) -> Iterator[Account]:
    """The accounts of a file's principals."""
    for name, value in found.items():
        yield Account(authid=name, role=role, provider="password file", password=value)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines that say something, with their numbers."""
    for number, line in enumerate(text.split("\n"), 1):
        said = line.rstrip("\r")
        if said and not said.startswith("#"):
            yield number, said
