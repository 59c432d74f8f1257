"""``wampd check``: is this configuration right?"""

from .words import command, configuration_argument


@command(examples="wampd check\nwampd check /etc/wampd/config.yaml && wampd reload /etc/wampd/config.yaml")
@configuration_argument
def check(file: str | None) -> int:
    """Check a configuration: print all that is wrong with it, exit status 2, or that it is ok."""
    from .configuration import EXIT_BAD_CONFIGURATION, chosen_file, load_or_complain

    chosen = chosen_file(file)
    if load_or_complain(chosen) is None:
        return EXIT_BAD_CONFIGURATION
    print(f"{chosen}: ok")
    return 0
