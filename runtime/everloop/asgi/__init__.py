"""Knows ASGI and has never heard of Lambda."""
