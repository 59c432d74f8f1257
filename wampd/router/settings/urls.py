"""URLs that the router itself fetches something from, on whose word people are let in."""

from wampd.router.outgoing.problems import OutgoingError
from wampd.router.outgoing.targets import Target, read_target


def fault(url: str, *, insecure: bool = False) -> str | None:
    """What is wrong with a URL; `None`: nothing. ``insecure`` allows ``http:`` to other hosts."""
    try:
        target = read_target(url)  # as it is read when something is fetched
    except OutgoingError as why:
        return why.text
    if target.scheme == "http" and not insecure and not _is_loopback(target):
        return "over http: anybody on the way could give the keys; use https:, or allow it with insecure: true"
    return None


def _is_loopback(target: Target) -> bool:
    return target.host == "localhost" or (target.address is not None and target.address.is_loopback)
