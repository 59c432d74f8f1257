"""Components that the router starts, in processes of their own."""
