"""The process of a component in Python: what the router runs, with the component's own interpreter, as a script by its path.

Rules
-----
* It uses the standard library and the component's own autobahn, and imports nothing of wampd: the interpreter may be any
  CPython from 3.9 on that has autobahn, and know nothing of wampd. The same modules are ``wampd.hosted`` to the router, which
  imports `trouble` and `description`; the others only for components that run inside it.
* What the component is comes in the environment (`description`); nothing secret is on a command line.
* A component is what users of autobahn write anyhow: a ``Component``, a class of sessions, or a function (`finding`). The way
  in is the router's: realm, authid and ticket are its, whatever the code says for when it runs on its own (`session`).
* It joins once. However that ends the process ends, with a status that says how (`trouble`); to start it again is the
  router's business.
"""
