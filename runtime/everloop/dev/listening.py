"""The socket that everything is served on, taken before anything else is started."""

import errno
import socket


class CannotListen(Exception):
    """The address is not to be had; the message says why, and what to do."""


def listen(host: str, port: int) -> socket.socket:
    """Give a socket that listens on the address. Raises `CannotListen`."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except socket.gaierror as error:
        raise CannotListen(
            f"--host {host}: {error.strerror}. 127.0.0.1 is this machine, 0.0.0.0 all its addresses."
        ) from error
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise CannotListen(_why(host, port, error)) from error
    listener.setblocking(False)
    return listener


def base_url(host: str, listener: socket.socket) -> str:
    """Give the URL under which the server is found on this machine."""
    port = listener.getsockname()[1]
    if host in ("0.0.0.0", "::", ""):  # noqa: S104 - every address is meant, and one is enough to get here
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _why(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} of {host} is in use, perhaps by another `everloop dev`. Choose another (--port {port + 1}, "
            f"or --port 0 for any that is free), or see who has it: lsof -i :{port}"
        )
    if error.errno == errno.EACCES:
        return f"Port {port} needs privileges: choose one above 1023, such as --port 9000."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"--host {host} is no address of this machine. 127.0.0.1 always is; 0.0.0.0 means all that it has."
    return f"Port {port} of {host} is not to be had: {error.strerror or error}."
