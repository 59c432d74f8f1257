"""Settings of static files."""

from pathlib import Path
from typing import Annotated

from msgspec import Meta

from .served import Served


class StaticPath(Served, frozen=True, kw_only=True, tag_field="type", tag="static"):
    """An HTTP path that serves the files of a directory: no listings, no dotfiles, no links that lead out of it."""

    directory: Annotated[Path, Meta(description="The directory; `index.html` stands for the directory that it is in.")]
