"""The HTTP API, and what every request to the app goes through."""
