"""Measures everloop beside AWS's own client, in ratios: `python -m benchmarks`."""
