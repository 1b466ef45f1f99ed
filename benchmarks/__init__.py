"""What psf_runtime costs. Each file runs as `python -m benchmarks.NAME [--quick] [--json FILE]`."""
