"""Everything that knows a provider: codecs, addresses, keys, and the sender. Nothing outside speaks a dialect."""
