"""What all that is served by HTTP has in common."""

from wampd.router.settings.parts import Part


class Served(Part, frozen=True, kw_only=True):
    """Something under an HTTP path."""
