"""Where the log lines of a worker go on Managed Instances: a socket of Lambda's instead of the parent's output."""

import os
import socket


def redirect_output(path: str) -> None:
    """Connect standard output and standard error each to the log provider's socket. Raises `OSError`.

    One connection per descriptor, as AWS's client makes them: Lambda then tells the lines of the workers apart.
    """
    for descriptor in (1, 2):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.connect(path)
            os.dup2(connection.fileno(), descriptor)
