"""``wampd run``: the router itself, in the foreground."""

import gc

from .configuration import EXIT_BAD_CONFIGURATION, chosen_file, load_or_complain


def run(file: str | None) -> int:
    """Run the router until it is stopped; return the exit status. Nothing is started if the configuration is wrong."""
    gc.disable()  # what is loaded now is to stay, so it need not be looked through; the daemon turns it on again
    configuration = chosen_file(file)
    settings = load_or_complain(configuration)
    if settings is None:
        return EXIT_BAD_CONFIGURATION
    from wampd.router import daemon  # it installs a reactor

    return daemon.run(settings, configuration.absolute())
