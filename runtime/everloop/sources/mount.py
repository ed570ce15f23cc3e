"""Where the application is mounted: EVERLOOP_BASE_PATH becomes the end of `root_path`."""

from everloop.exchange import HttpRequest
from everloop.sources.paths import under


def mount(request: HttpRequest, base_path: str) -> None:
    """Add `base_path`, such as `/api`, to the root path of a request that lies under it."""
    if under(request.path[len(request.root_path) :], base_path):
        request.root_path += base_path
