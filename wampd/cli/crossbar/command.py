"""``wampd import-crossbar``: the words of the command."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wampd.cli.words import EXIT_USAGE, Failure, command, option, type_of_file

if TYPE_CHECKING:
    from .importing import Imported

STANDARD_OUTPUT = "-"
EXIT_PARTLY = 1


@command(
    examples="""
    wampd import-crossbar .crossbar/config.json
    wampd import-crossbar /srv/node -o wampd/config.yaml
    wampd import-crossbar node.yaml -o - | less        # look first, write nothing
    """
)
@click.argument(
    "config",
    metavar="CONFIG",
    type=type_of_file,
    help="the node configuration, JSON or YAML (.yaml, .yml), or the directory of a node",
)
@option("-o", "--output", metavar="PATH", default="config.yaml", show_default=True, help="a file, a directory, or -")
@option("--cbdir", metavar="DIR", help="the node's directory, if it is not that of CONFIG")
@option("--force", is_flag=True, help="replace a file that is there")
def import_crossbar(config: str, output: str, cbdir: str | None, force: bool) -> int:
    """Translate a node configuration of Crossbar.io into one of wampd.

    What has no counterpart is listed line by line on standard error, and at the head of the result. Exit status: 0 all is
    translated, 1 something is left to do (the result is written all the same), 2 CONFIG or the
    command line is wrong (nothing is written).
    """
    from wampd.router.settings import SettingsError

    from .importing import Imported
    from .report import printable

    target = None if output == STANDARD_OUTPUT else _target(output, force=force)
    try:
        imported = Imported(_configuration(config), None if cbdir is None else Path(cbdir), _directory(target))
    except SettingsError as error:
        for problem in error.problems:
            print(printable(str(problem)), file=sys.stderr)
        return EXIT_USAGE
    if imported.is_ours:
        raise Failure(f"{config} is a configuration of wampd already; run it: wampd run {config}", EXIT_USAGE)
    _carry_out(imported, target)
    for finding in (*imported.report.of("lost"), *imported.report.of("note")):
        print(finding, file=sys.stderr)
    if target is not None:
        print(f"{target}: written; see what is in it, then: wampd run {target}")
    return EXIT_PARTLY if imported.report.of("lost") else 0


def _configuration(config: str) -> Path:
    """The file that is meant: itself, or what Crossbar.io reads in a directory."""
    path = Path(config)
    inside = [path / name for name in (".crossbar/config.json", ".crossbar/config.yaml", "config.json")]
    return next((file for file in inside if os.path.isfile(file)), path) if os.path.isdir(path) else path


def _carry_out(imported: "Imported", target: Path | None) -> None:
    try:
        imported.check(os.environ)
        if target is None:
            print(imported.text(), end="")
        else:
            imported.save(target)
    except OSError as trouble:
        raise Failure(f"cannot write into {_directory(target)}: {trouble.strerror}", EXIT_USAGE) from None


def _target(output: str, *, force: bool) -> Path:
    """The file that is written; its directory is there then."""
    path = Path(output)
    if output.endswith("/") or os.path.isdir(path):
        path = path / "config.yaml"
    if os.path.exists(path) and not force:
        raise Failure(f"{path} is there already; say -o for another place, or --force to replace it", EXIT_USAGE)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as trouble:
        raise Failure(f"cannot make the directory {path.parent}: {trouble.strerror}", EXIT_USAGE) from None
    return path


def _directory(target: Path | None) -> Path:
    return Path() if target is None else target.parent
