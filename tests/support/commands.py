"""Run commands as a user does, in a subprocess or in this process."""

import subprocess
import sys

from training import console


def done(*command, **options):
    """Run a command to completion and return it with its output as text."""
    words = [str(word) for word in command]
    return subprocess.run(words, capture_output=True, text=True, check=False, **options)


def run_main(monkeypatch, module, *words):
    """Run a module's `main` and return its exit status: 0, 2 or its error message.

    It runs in this process, as the imports alone take seconds.
    """
    monkeypatch.setattr(sys, "argv", [module.__name__, *map(str, words)])
    try:
        console.run(module.main)
    except SystemExit as end:
        return end.code
    return 0
