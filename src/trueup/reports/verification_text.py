"""What `trueup verify` prints: a line per problem, then a summary."""

from __future__ import annotations

from trueup.reports.terminal import _clean, _styled, plural
from trueup.reports.verifying import Verification

_LONGEST = 40  # characters of the manifest's own words


def verification_text(done: Verification, *, colour: bool = False) -> str:
    """Return a line per file that is not as it was, and what was compared."""
    lines = [
        _styled(f"{one.what:<10}  {'input ' * one.is_input}{_clean(one.name)}", "high", colour)
        for one in done.problems
    ]
    return "\n".join([*lines, *([""] if lines else []), *_summary(done)])


def _summary(done: Verification) -> list[str]:
    manifest = done.manifest
    compared = plural(len(manifest.outputs), "report file")
    if done.checks_inputs:
        compared += f" and {plural(len(manifest.inputs), 'input')}"
    found = "all as written" if done.is_intact else plural(len(done.problems), "problem")
    version, at = (
        _clean(text)[:_LONGEST] for text in (manifest.trueup_version, manifest.generated_at)
    )
    return [
        f"Compared  {compared}: {found}",
        f"Written   by trueup {version} at {at}",
        f"Manifest  sha256 {manifest.sha256}",
    ]
