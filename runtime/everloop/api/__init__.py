"""The only sockets: the conversation with the Lambda Runtime API."""
