"""The benchmark: wampd beside other WAMP routers, in one run, on one machine, over loopback.

``python -m bench run`` is the whole of it; ``python -m bench --help`` tells the rest, README.md how to read the tables.
"""
