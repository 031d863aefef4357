"""What the model card says besides the run's own numbers, gathered where it is known.

The network's layers come from code, the gate's numbers from the run folder, and the releases from
the repository: from what its tags hold, so that the list is true whoever set them.
"""

import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub.errors import EntryNotFoundError

from digits import networks, weights
from digits.weights import Weights, WeightsError
from training import gate_result
from training.export.exports import Notes, cells
from training.model_card import Facts, Measured, Tagged

MAX_RELEASES = 10
"""How many of the newest tags a card lists."""


def gather(
    run: Path,
    found: Weights,
    files: Mapping[str, bytes],
    releases: Sequence[Tagged],
    exports: Notes,
) -> Facts:
    """Put together what is known of a run.

    Args:
        run: The run folder.
        found: Its verified weights.
        files: What is published beside the card, by name.
        releases: Of the repository.
        exports: From `published_exports.bring`.
    """
    network = networks.find(found.config.network)
    recipe: dict[str, Any] = json.loads(files.get("recipe.json", b"{}"))
    return Facts(
        files=frozenset(files),
        parameters=networks.parameter_count(network),
        knows_others=networks.class_count(network) > networks.NOT_A_DIGIT,
        augmented=bool(recipe.get("recipe", {}).get("augmentation")),
        gate=gate_numbers(run),
        releases=releases,
        exports=cells(exports),
        uploaded=sum(map(len, files.values())),
    )


def gate_numbers(run: Path) -> list[Measured]:
    """Return what the gate measured with exactly these files; nothing if it did not open for them.

    Args:
        run: The run folder.
    """
    from training.gate import TITLES  # noqa: PLC0415

    try:
        passed = json.loads((run / gate_result.GATE_FILE).read_bytes())
        if passed["files"] != gate_result.hashes(run):
            return []
        return [
            Measured(TITLES[key], number["value"], number["count"])
            for key, number in passed["measured"].items()
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def releases(api: HfApi, repo: str, tags: Mapping[str, str], current: str) -> list[Tagged]:
    """Read what the repository's tags hold.

    Args:
        api: As the files are downloaded.
        repo: `owner/name`.
        tags: Commit by tag.
        current: SHA-256 of the weights that are published now; their own tags are left out, as
            they are not set yet the first time and would change the card the second time.

    Returns:
        The newest releases by the numbers in their tags; tags on anything else are left out.
    """
    newest = sorted(tags, key=_numbers, reverse=True)[:MAX_RELEASES]
    with tempfile.TemporaryDirectory() as cache:
        read = [_read(api, repo, tag, tags[tag], cache) for tag in newest]
    return [one for one in read if one and one.sha256 != current]


def _read(api: HfApi, repo: str, tag: str, commit: str, cache: str) -> Tagged | None:
    try:
        texts = [
            Path(
                hf_hub_download(
                    repo,
                    name,
                    revision=commit,
                    cache_dir=cache,
                    endpoint=api.endpoint,
                    token=api.token,
                )
            ).read_bytes()
            for name in (weights.CONFIG_FILE, weights.METRICS_FILE)
        ]
        config, metrics = weights.parse_config(texts[0]), weights.parse_metrics(texts[1])
    except (EntryNotFoundError, WeightsError):
        return None
    test = metrics["mnist_test"]
    shown = re.sub(r"[^\w.+-]", "_", tag)  # it becomes Markdown
    return Tagged(shown, config.network, test["errors"], test["count"], config.sha256)


def _numbers(tag: str) -> list[tuple[int, str]]:
    """Order v1.10.0 after v1.9.0: numbers as numbers, the rest as text."""
    parts = re.findall(r"\d+|\D+", tag)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]
