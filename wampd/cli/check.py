"""``wampd check``: is this configuration right?"""

from .configuration import EXIT_BAD_CONFIGURATION, chosen_file, load_or_complain


def check(file: str | None) -> int:
    """Print ``FILE: ok``, or all problems to standard error; return the exit status."""
    chosen = chosen_file(file)
    if load_or_complain(chosen) is None:
        return EXIT_BAD_CONFIGURATION
    print(f"{chosen}: ok")
    return 0
