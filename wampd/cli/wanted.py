"""What ``wampd user`` was told, as values."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Wanted:
    """A command about principals in the store. What is not an option of it has its default."""

    action: str
    authid: str = ""
    role: str = ""
    json: bool = False
    config: str | None = None
    store: str | None = None
    realm: str | None = None
    password: bool = False
    password_stdin: bool = False
    ticket: bool = False
    key: tuple[str, ...] = ()
    key_file: tuple[str, ...] = ()
    certificate: tuple[str, ...] = ()
    certificate_file: tuple[str, ...] = ()
    methods: str | None = None
    factor: tuple[str, ...] = ()
    no_factors: bool = False
