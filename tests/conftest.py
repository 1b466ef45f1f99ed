"""Fixtures for every test."""

pytest_plugins = ("fix_echo_server",)
