"""Which configuration a command means, and how its problems are shown."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from wampd.router.settings import KeyPath, Place, Settings, SettingsError, load_with_places

EXIT_BAD_CONFIGURATION = 2


def chosen_file(file: str | None) -> Path:
    """The file that is meant: the one named (or `in_directory`), else ``config.yaml`` here, else the default of wampd."""
    if file is not None:
        return in_directory(Path(file))
    here = Path("config.yaml")
    # A link that leads nowhere is a mistake to be told, not a file that is not there.
    return here if os.path.lexists(here) else packaged_default()


def in_directory(named: Path) -> Path:
    """The configuration in the directory that is named, as `wampd init` makes one; else what is named."""
    return named / "config.yaml" if named.is_dir() else named


def packaged_default() -> Path:
    """Return the configuration that comes with wampd."""
    import wampd.router.settings

    return Path(wampd.router.settings.__file__).with_name("default.yaml")


def load_or_complain(file: Path) -> Settings | None:
    """Return the settings in a file; or print what is wrong with them to standard error, and return None."""
    loaded = load_with_places_or_complain(file)
    return None if loaded is None else loaded[0]


def load_with_places_or_complain(file: Path) -> tuple[Settings, Mapping[KeyPath, Place]] | None:
    """The same, with the places in the files where everything is."""
    try:
        return load_with_places(file, os.environ)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return None
