"""Helpers for tests: a loopback Hub, a browser with a visitor, apps, runners, pictures."""
