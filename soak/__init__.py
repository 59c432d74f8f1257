"""Long runs against a real router, with load and faults: ``python -m soak`` (``make soak``).

It needs the sources, because the load generator of ``bench`` and this folder are not part of the wheel.
"""
