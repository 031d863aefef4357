"""Cases of a matrix: a few protect every change, all of them run each night."""

import pytest


def mostly_nightly(cases, *fast):
    """Mark all cases of `pytest.mark.parametrize` but a few as nightly."""
    return [
        pytest.param(
            *(case if isinstance(case, tuple) else (case,)),
            marks=() if case in fast else pytest.mark.nightly,
        )
        for case in cases
    ]
