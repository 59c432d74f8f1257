"""Parts of the composition root: here settings meet classes."""
