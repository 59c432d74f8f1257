"""wampd: a WAMP v2 router daemon.

The packages, and who may import whom: ``cli`` → ``router`` → ``auth`` → ``realms``, never back.
"""

__version__ = "0.1.0"
