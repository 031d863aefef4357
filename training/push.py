"""Publish a run right after training: `--push-to-hub OWNER/NAME [--tag v1.0.0]`."""

import argparse
from pathlib import Path

from training import gate, publish
from training.release.hub_client import sign_in


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options for publishing to a training command."""
    parser.add_argument("--push-to-hub", metavar="OWNER/NAME", help="then run the gate and publish")
    parser.add_argument("--tag", help="name of the release, v1.0.0 for example")
    parser.add_argument(
        "--gate-profile",
        choices=list(gate.PROFILES),
        default=gate.DEFAULT_PROFILE,
        help="limits of the gate (default: %(default)s)",
    )


def check(arguments: argparse.Namespace) -> None:
    """Check before hours of training that the run could be published.

    Raises:
        UserError: If a name is invalid, or there is no write token.
    """
    if arguments.push_to_hub:
        publish.check_names(arguments.push_to_hub, arguments.tag)
        sign_in()


def push(run: Path, arguments: argparse.Namespace) -> None:
    """Run the gate on a finished run and publish it, if requested.

    Raises:
        UserError: If a metric fails, or the Hub rejects the run.
    """
    if not arguments.push_to_hub:
        return
    common = [str(run), "--repo", arguments.push_to_hub]
    data = ["--data", str(arguments.data)] if arguments.data else []
    tag = ["--tag", arguments.tag] if arguments.tag else []
    gate.main([*common, *data, "--profile", arguments.gate_profile])
    publish.main([*common, *data, *tag, "--create", "--gated"])
