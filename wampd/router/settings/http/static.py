"""Settings of static files."""

from pathlib import Path
from typing import Annotated

from msgspec import Meta

from wampd.router.settings.parts import Name, Part, SecondsOrOff

from .served import Served


class StaticCache(Part, frozen=True, kw_only=True):
    """How long browsers and proxies keep files without asking again."""

    max_age: Annotated[
        SecondsOrOff, Meta(description="How long they keep a file; 0: they ask each time whether it has changed.")
    ] = 0.0
    immutable: Annotated[
        tuple[Name, ...],
        Meta(
            description="Patterns of files that never change because their names do, such as `assets/*` or `*.????????.js`:"
            " they are kept for a year. A pattern is matched with the whole path below the directory; `*` stands for any"
            " text, slashes too, `?` for one character, `[0-9a-f]` for one of these."
        ),
    ] = ()


class StaticPath(Served, frozen=True, kw_only=True, tag_field="type", tag="static"):
    """An HTTP path that serves the files of a directory: no dotfiles, no links that lead out of it.

    A file `NAME.br` or `NAME.gz` beside a file is the same one, compressed: it is sent to clients that take it, unless it is
    older than the file.
    """

    directory: Annotated[Path, Meta(description="The directory.")]
    index: Annotated[
        tuple[Name, ...],
        Meta(description="Names of files that stand for the directory that they are in, the first first."),
    ] = ("index.html",)
    fallback: Annotated[
        Name | None,
        Meta(
            description="The file, by its path below the directory, that is sent where there is nothing, for pages that route"
            " by themselves. Only requests that accept HTML get it, and only for paths that do not end like a file's name."
        ),
    ] = None
    fallback_for_files: Annotated[
        bool, Meta(description="Send `fallback` for paths, too, whose last part has a dot in it.")
    ] = False
    not_found: Annotated[
        Name | None,
        Meta(
            description="The file, by its path below the directory, that is sent with status 404 where there is nothing."
        ),
    ] = None
    listing: Annotated[
        bool, Meta(description="Show what is in directories that have no `index` file; dotfiles are not shown.")
    ] = False
    precompressed: Annotated[bool, Meta(description="Look for `.br` and `.gz` files beside files.")] = True
    cache: Annotated[StaticCache, Meta(description="How long clients keep files.")] = StaticCache()
