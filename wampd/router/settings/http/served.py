"""What all that is served by HTTP has in common, and all bridges to WAMP."""

from typing import Annotated

from msgspec import Meta

from wampd.router.settings.parts import Name, Part

from .access import PathAccess


class Served(Part, frozen=True, kw_only=True):
    """Something under an HTTP path."""

    access: Annotated[PathAccess | None, Meta(description="Who may use the path; without it, everybody.")] = None


class Bridge(Served, frozen=True, kw_only=True):
    """Something that speaks WAMP for those who speak HTTP."""

    realm: Annotated[Name, Meta(description="The realm.")]
    role: Annotated[
        Name | None,
        Meta(description="The role in which everybody acts. `null`: each as who `access` found that it is."),
    ] = None
    insecure: Annotated[
        bool,
        Meta(
            description="Let everybody act in the `role` who can reach the port: needed where nothing else is asked of them."
        ),
    ] = False

    @classmethod
    def proofs(cls) -> tuple[str, ...]:
        """The keys by which those who act in the role may have to prove that they may, beside `access`."""
        return ()
