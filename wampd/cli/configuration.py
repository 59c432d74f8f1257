"""Which configuration a command means, and how its problems are shown."""

import os
import sys
from pathlib import Path

from wampd.router.settings import Settings, SettingsError, load

EXIT_BAD_CONFIGURATION = 2


def chosen_file(file: str | None) -> Path:
    """Return the file that is meant: the one named, else ``config.yaml`` here, else the default that wampd brings."""
    if file is not None:
        return Path(file)
    here = Path("config.yaml")
    # A link that leads nowhere is a mistake to be told, not a file that is not there.
    return here if os.path.lexists(here) else packaged_default()


def packaged_default() -> Path:
    """Return the configuration that comes with wampd."""
    import wampd.router.settings

    return Path(wampd.router.settings.__file__).with_name("default.yaml")


def load_or_complain(file: Path) -> Settings | None:
    """Return the settings in a file; or print what is wrong with them to standard error, and return None."""
    try:
        return load(file, os.environ)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return None
