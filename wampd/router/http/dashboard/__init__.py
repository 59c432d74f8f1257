"""The dashboard: a page for operators, and what it must know to begin."""
