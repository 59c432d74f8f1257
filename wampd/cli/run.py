"""``wampd run``: the router itself, in the foreground."""

import gc
import os
import signal

from .words import command, complain, configuration_argument, option


@command(
    examples="""
    wampd run                      # the router of ./config.yaml
    wampd run hello/config.yaml --reload
    """
)
@configuration_argument
@option("--reload", is_flag=True, help="restart components when their files change: for development")
def run(file: str | None, *, reload: bool) -> int:
    """Run the router until it is stopped (SIGTERM or Ctrl-C).

    Nothing is started if the configuration is wrong: that is exit status 2.
    """
    from wampd.router.system.origin import LATER, keep_descriptors, origin_of

    signal.pthread_sigmask(signal.SIG_BLOCK, LATER)
    origin = origin_of(os.environ)
    keep_descriptors()
    gc.set_threshold(20_000, 50, 100)  # what is loaded now is to stay, and most of what sessions hold has no cycles
    from .configuration import EXIT_BAD_CONFIGURATION, chosen_file, load_or_complain, packaged_default

    configuration = chosen_file(file)
    settings = load_or_complain(configuration)
    if settings is None:
        return EXIT_BAD_CONFIGURATION
    if file is None and configuration == packaged_default():
        complain(
            "note: there is no config.yaml here; this router is for programs of this machine alone, which may all do everything"
            " in realm1 below com.example.; wampd init writes a configuration"
        )
    from wampd.router import daemon  # it installs a reactor

    return daemon.run(settings, configuration.absolute(), origin, follow_files=reload)
