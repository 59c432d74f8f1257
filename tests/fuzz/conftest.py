"""How long the random tests search: `--hypothesis-profile=long` for an hour's worth."""

from hypothesis import settings

settings.register_profile("long", max_examples=50_000, deadline=None)
