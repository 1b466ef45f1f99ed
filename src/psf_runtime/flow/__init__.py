"""The engine: layers folded into one flow, and the two drivers that run it."""
