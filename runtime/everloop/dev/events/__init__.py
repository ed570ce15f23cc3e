"""HTTP requests and WebSocket frames as the events that AWS's front ends make of them: pure, one file for each source.

Written from AWS's documentation, not from the runtime's decoders, so that one mistake cannot hide in both.
"""
