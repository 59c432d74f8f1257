"""The tests. What is set here holds before any test module is read."""

from hypothesis import settings

# How long one example takes depends on what else the machine does; a law that takes long is no law broken.
settings.register_profile("wampd", deadline=None)
settings.load_profile("wampd")
