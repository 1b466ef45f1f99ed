"""psf_runtime (being built)."""
