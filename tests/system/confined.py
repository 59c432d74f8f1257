"""Becomes a program that may make those system calls alone that a unit of systemd allows it.

It is run as a script: ``confined.py UNIT -- PROGRAM ARGUMENT…``. The filter is the one that systemd would set: the groups are
those that ``systemd-analyze syscall-filter`` knows, and what is refused fails with EPERM.
"""

import ctypes
import errno
import os
import subprocess
import sys
from pathlib import Path

ALLOW = 0x7FFF0000
REFUSE = 0x00050000 | errno.EPERM


def members(group: str) -> set[str]:
    """All system calls of a group, or the one that is named."""
    if not group.startswith("@"):
        return {group}
    shown = subprocess.run(
        ["systemd-analyze", "syscall-filter", group], capture_output=True, text=True, check=True
    ).stdout
    lines = [line.strip() for line in shown.splitlines()[1:]]
    return set().union(*(members(line) for line in lines if line and not line.startswith("#")))


def allowed(unit: Path) -> set[str]:
    """The system calls that the unit allows: in the order of its lines, as systemd.exec(5) says."""
    found = members("@default")
    for line in unit.read_text().splitlines():
        if line.startswith("SystemCallFilter="):
            value = line.partition("=")[2]
            names = set().union(*map(members, value.removeprefix("~").split()))
            found = found - names if value.startswith("~") else found | names
    return found


def confine(names: set[str]) -> None:
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(REFUSE))
    for name in names:
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number >= 0:  # others are those of other machines
            assert library.seccomp_rule_add_array(context, ALLOW, number, 0, None) == 0, name
    assert library.seccomp_load(context) == 0


def main() -> None:
    end = sys.argv.index("--")
    confine(allowed(Path(sys.argv[1])))
    os.execvp(sys.argv[end + 1], sys.argv[end + 1 :])


if __name__ == "__main__":
    main()
