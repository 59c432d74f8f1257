"""The one way in: a file → settings, or everything that is wrong with it."""

import sys
from collections.abc import Mapping
from pathlib import Path

from .checker import Checker
from .foreign import identity
from .model import Settings
from .problems import KeyPath, Place, gathering
from .rules import RULES
from .source import Reader


def load(path: Path, environ: Mapping[str, str]) -> Settings:
    """Return the settings in a file, or raise :class:`SettingsError` with all that is wrong.

    ``environ`` is what ``${NAME}`` means in the file, beside ``WAMPD_PYTHON``: the Python that runs this,
    unless ``environ`` says otherwise.
    """
    return load_with_places(path, environ)[0]


def load_with_places(path: Path, environ: Mapping[str, str]) -> tuple[Settings, Mapping[KeyPath, Place]]:
    """Return the settings as `load` does, and where in the files everything is."""
    environ = {"WAMPD_PYTHON": sys.executable, **environ}
    with gathering() as problems:
        root = Reader(environ, problems).read(path)
        checker = Checker(problems, RULES, environ)
        checker.foreign = identity(root)
        settings = checker.check(root, Settings)
    assert isinstance(settings, Settings)
    return settings, checker.places
