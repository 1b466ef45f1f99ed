"""The laws of stores: one suite for each port, run over memory, databases, and whatever you bring."""
