"""Runs commands as a person does, in this process: only importing them again takes seconds."""

import sys

from training import console


def run_main(monkeypatch, module, *words):
    """Run a module's `main` and return its exit status: 0, 2 or the line that it ends with."""
    monkeypatch.setattr(sys, "argv", [module.__name__, *map(str, words)])
    try:
        console.run(module.main)
    except SystemExit as end:
        return end.code
    return 0
