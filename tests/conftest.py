"""What holds for all tests."""

from hypothesis import settings

# Machines are shared: how long one example takes says nothing about the code.
settings.register_profile("everloop", deadline=None)
settings.load_profile("everloop")
