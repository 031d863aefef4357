"""Exporting weights to other runtimes, and the handler for Inference Endpoints."""
