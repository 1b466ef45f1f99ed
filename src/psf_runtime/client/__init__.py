"""Client and AsyncClient: thin faces of one engine."""
