"""The psf command."""
