"""Who is measured, one file each. A sender asks a base URL and gives back the text of the answer.

Each file has a class `Sender(url)` with `complete` and `stream` (blocking), `acomplete` and `astream` (in one event
loop) and `aclose`; PACKAGE is the package's name, SYNC whether it has a blocking side. A file may import what its own
environment holds, and the standard library.
"""
