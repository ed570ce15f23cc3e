"""What an invocation is given to."""
