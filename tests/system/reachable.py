"""Becomes a program, in a mount namespace where every user can reach the given directories, whatever they are in.

An interpreter in root's home is of no use to a process that is root no more. Here the directories above are replaced by empty
ones that anybody may pass. Run it as root, as a script: ``unshare -m reachable.py DIRECTORY … -- PROGRAM ARGUMENT…``.
"""

import os
import stat
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

ASIDE = Path("/media")
"""A directory that every system has, and that nothing here is in."""


def main() -> None:
    end = sys.argv.index("--")
    closed: defaultdict[Path, list[Path]] = defaultdict(list)
    for each in dict.fromkeys(os.path.realpath(directory) for directory in sys.argv[1:end]):
        above = [parent for parent in reversed(Path(each).parents) if not parent.stat().st_mode & stat.S_IXOTH]
        if above:
            closed[above[0]].append(Path(each))
    mount("-t", "tmpfs", "-o", "mode=755", "none", ASIDE)  # gone with the namespace
    for number, (barrier, wanted) in enumerate(closed.items()):
        open_up(barrier, wanted, ASIDE / str(number))
    os.execvp(sys.argv[end + 1], sys.argv[end + 1 :])


def open_up(barrier: Path, wanted: list[Path], aside: Path) -> None:
    kept = []
    for index, path in enumerate(wanted):
        kept.append(aside / str(index))
        kept[-1].mkdir(parents=True)
        mount("--bind", path, kept[-1])
    mount("-t", "tmpfs", "-o", "mode=755", "none", barrier)
    for path, held in zip(wanted, kept, strict=True):
        path.mkdir(parents=True)
        mount("--bind", held, path)


def mount(*arguments: str | Path) -> None:
    subprocess.run(["mount", *map(str, arguments)], check=True)


main()
