"""``python -m wampd`` is the ``wampd`` command."""

from wampd.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
