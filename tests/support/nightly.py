"""Test matrices of which a few cases run on every change, and all of them each night."""

import pytest


def mostly_nightly(cases, *fast):
    """Mark the cases of `pytest.mark.parametrize` as nightly, except for a few."""
    return [
        pytest.param(
            *(case if isinstance(case, tuple) else (case,)),
            marks=() if case in fast else pytest.mark.nightly,
        )
        for case in cases
    ]
