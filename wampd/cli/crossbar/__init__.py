"""``wampd import-crossbar``: a node configuration of Crossbar.io → a configuration of wampd, and what it could not say.

``reading`` gives every value its place; ``section`` takes mappings apart so that no key is passed over; ``node`` says which
module translates what; each of those makes parts of a ``document``, and tells the ``report`` what has no counterpart;
``writing`` makes YAML of the document; ``checking`` asks wampd's own settings whether they take it.
"""
