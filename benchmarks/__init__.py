"""Measure the running app as its visitors meet it."""
