"""Does wampd take what was made? Its own settings are asked; what they say is told at the place in the original that
it comes from.

So nothing is promised that ``wampd check`` would not keep: files that are not there yet, modules that cannot be
imported, variables that are not set, and whatever else only the settings know.
"""

from collections.abc import Mapping
from pathlib import Path

from wampd.router.settings import KeyPath, SettingsError, load
from wampd.router.settings.problems import show

from .document import Table, origins
from .reading import Item
from .report import Report


def check(file: Path, document: Table, original: Item, environ: Mapping[str, str], report: Report) -> None:
    """Report all that is wrong with a file that was made of a document."""
    try:
        load(file, environ)
    except SettingsError as error:
        made_of = dict(origins(document))
        for problem in error.problems:
            where = _origin(problem.path, made_of) or original
            report.lost(where, f"wampd check says of {show(problem.path) or 'the result'}: {problem.message}")


def _origin(path: KeyPath, made_of: Mapping[KeyPath, Item]) -> Item | None:
    return next((made_of[path[:length]] for length in range(len(path), 0, -1) if path[:length] in made_of), None)
