"""The ``wampd`` command."""
