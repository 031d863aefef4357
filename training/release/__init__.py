"""Releasing a run: gate result, model card, Hub client and Space deployment."""
