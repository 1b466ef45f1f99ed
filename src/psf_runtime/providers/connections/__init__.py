"""What sends when no HTTP client is injected: HTTP/1.1 over a pool of kept connections.

Each step that waits (connecting, sending, reading) is written once, as a generator that yields what it waits for.
A blocking driver and an async driver (asyncio, trio) run it. Why it is not a stock pool: docs/decisions/0010.
"""
