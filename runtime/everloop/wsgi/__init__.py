"""WSGI (PEP 3333): knows nothing of Lambda, as `asgi` does not."""
