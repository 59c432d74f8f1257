"""Settings of a realm: how its sessions authenticate, and as whom."""

from pathlib import Path
from typing import Annotated

from msgspec import Meta

from .jwt import JwtAuth
from .parts import Name, Part
from .secret import Secret


class Principal(Part, frozen=True, kw_only=True):
    """Somebody who may come in, and what proves it; a method for which nothing is given here does not let them in."""

    authid: Annotated[Name, Meta(description="The name that the client gives; unique in the realm.")]
    role: Annotated[Name, Meta(description="The role of the session.")]
    ticket: Annotated[
        Secret | None,
        Meta(
            description='What the client sends with the method `ticket`: a string, better `"${NAME}"`, or'
            " `{file: PATH}` of a file that others cannot read."
        ),
    ] = None


class PasswordFile(Part, frozen=True, kw_only=True):
    """A file of names and passwords, as the program `htpasswd` makes it: `htpasswd -cB FILE NAME`.

    Its hashes must be bcrypt or argon2. It is refused if other users have any access to it.
    """

    file: Annotated[Path, Meta(description="The file; read again when it changes.")]
    role: Annotated[Name, Meta(description="The role of all who are in it.")]


class AnonymousAuth(Part, frozen=True, kw_only=True):
    """Authentication method `anonymous`: everybody is let in, under one role."""

    role: Annotated[Name, Meta(description="The role of anonymous sessions.")] = "anonymous"


class TicketAuth(Part, frozen=True, kw_only=True):
    """Authentication method `ticket`: a shared secret, sent as it is; use it over TLS or a Unix socket."""


class Auth(Part, frozen=True, kw_only=True):
    """How sessions of a realm authenticate; a method that is not named is not offered.

    Of the methods that a client offers, the first that is named here serves it.
    """

    principals: Annotated[
        tuple[Principal, ...], Meta(description="Who may come in by other methods than `anonymous`.")
    ] = ()
    files: Annotated[
        tuple[Path, ...],
        Meta(
            description="Files with more principals: a YAML list of the same mappings, open to no other user. A file is"
            " read again when it changes; while it cannot be used, what was read before stays. An authid that is in"
            " several places is the principal of the first: `principals`, then the files in order, then the store."
        ),
    ] = ()
    store: Annotated[
        bool,
        Meta(description="Let in the principals of this realm that are in the store, where `wampd user` manages them."),
    ] = False
    password_files: Annotated[
        tuple[PasswordFile, ...],
        Meta(description="Files of names and passwords, which clients send with the method `ticket`."),
    ] = ()
    anonymous: Annotated[AnonymousAuth | None, Meta(description="Let clients in without authentication.")] = None
    ticket: Annotated[TicketAuth | None, Meta(description="Let principals in by a shared secret.")] = None
    jwt: Annotated[
        JwtAuth | None, Meta(description="Let in who has a token that somebody else has signed (JSON Web Token).")
    ] = None
