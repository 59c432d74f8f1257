"""What types cannot say of OpenAPI documents: which path they describe."""

from collections.abc import Iterator

from .checker import Here
from .http import CallPath, OpenApiPath
from .listeners import Listener, http_paths, sites
from .problems import did_you_mean, quote


def described_by(path: OpenApiPath, listener: Listener) -> CallPath | None:
    """The path that a document describes: one of the site of a listener that this very path is on."""
    site = next(site for _, site in sites(listener) if any(what is path for what in site.http.values()))
    found = site.http.get(path.calls)
    return found if isinstance(found, CallPath) else None


def documents_of_listener(listener: Listener, here: Here) -> None:
    """See that what is described is there, and calls in the same realm."""
    for where, path in _documents(listener):
        if not here.is_sound(*where) or not here.is_sound(*where[:-1]):
            continue
        found = described_by(path, listener)
        if found is None:
            calls = [keys[-1] for keys, what in http_paths(listener) if isinstance(what, CallPath)]
            hint = did_you_mean(path.calls, calls)
            here.problem(f"no path of this site with type: call is {quote(path.calls)}{hint}", *where, "calls")
        elif found.realm != path.realm:
            here.problem(f"what is called there is in the realm {quote(found.realm)}", *where, "realm")


def _documents(listener: Listener) -> Iterator[tuple[tuple[str, ...], OpenApiPath]]:
    for where, what in http_paths(listener):
        if isinstance(what, OpenApiPath):
            yield where, what
