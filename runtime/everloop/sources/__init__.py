"""Pure: one file per event source, from an event to an HTTP request and from a response to the source's envelope."""
