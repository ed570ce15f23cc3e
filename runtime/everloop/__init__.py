"""everloop: an AWS Lambda runtime that keeps one event loop and one warmed application."""

__version__ = "0.1.0"
