"""Runs commands as a person does, in a process of their own or in this one."""

import subprocess
import sys

from training import console


def done(*command, **options):
    """Run a command to its end; return what became of it, with its output as text."""
    words = [str(word) for word in command]
    return subprocess.run(words, capture_output=True, text=True, check=False, **options)


def run_main(monkeypatch, module, *words):
    """Run a module's `main` and return its exit status: 0, 2 or the line that it ends with.

    In this process: only importing what a command imports takes seconds.
    """
    monkeypatch.setattr(sys, "argv", [module.__name__, *map(str, words)])
    try:
        console.run(module.main)
    except SystemExit as end:
        return end.code
    return 0
