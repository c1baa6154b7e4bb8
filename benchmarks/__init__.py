"""What a load costs, measured against the best that can be written by hand; `python -m benchmarks`."""
