"""Programs of others in Python: WSGI applications, resources of Twisted Web."""
