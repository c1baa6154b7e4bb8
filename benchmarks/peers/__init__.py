"""Other tools that load the same star, each in an environment of its own under `benchmarks/.peers`."""
