"""One request over a fresh connection in memory, and its answer."""

from pathlib import Path

from tests.support.sites import build_site
from tests.transports.port import Port
from wampd.router.http.static.resource import StaticFiles

__all__ = ["ask", "body", "files", "site_of"]


def ask(site, target="/", *lines, method="GET", host="router.example", version="HTTP/1.1"):
    """The whole answer to a request; ``host`` is the header, `None`: there is none."""
    head = [f"{method} {target} {version}", *([] if host is None else [f"Host: {host}"]), *lines, "", ""]
    return Port(site=site).ask("\r\n".join(head).encode("latin-1"))


def body(answer):
    """What comes after the head."""
    return answer.split(b"\r\n\r\n", 1)[1]


def site_of(what, **more):
    """A site with one thing, at its root."""
    return build_site({"/": what}, **more)


def files(directory: Path, content: dict[str, str | bytes]) -> Path:
    """A directory with these files."""
    for name, text in content.items():
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return directory


def static(directory: Path, **how):
    """A site of static files."""
    return site_of(StaticFiles(directory, **how))
