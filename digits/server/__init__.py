"""The HTTP API, and the middleware and limits for all requests."""
