"""Every command, option, setting, check, kind and key is documented."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from trueup.checks import built_in_checks

ROOT = Path(__file__).parents[1]


def test_pages_are_as_the_code_makes_them() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "make_pages.py", "--check"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("command", ["audit", "explain", "verify", "checks", "sample", "demo"])
def test_the_readme_names_every_option(command: str) -> None:
    readme = (ROOT / "README.md").read_text()
    done = subprocess.run(
        [sys.executable, "-m", "trueup", command, "--help"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert f"trueup {command}" in readme
    for option in set(re.findall(r"--[a-z-]+", done.stdout)) - {"--help"}:
        assert f"`{option}" in readme, option


def test_the_contract_names_every_key() -> None:
    page = (ROOT / "docs" / "report-json.md").read_text()
    source = (ROOT / "src" / "trueup" / "reports" / "json_report.py").read_text()
    for key in re.findall(r'^        "(\w+)":', source, re.MULTILINE):
        assert f"`{key}" in page or f"## {key}" in page, key


def test_links_lead_somewhere() -> None:
    for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("benchmarks/*.md")):
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), (page.name, target)


def test_every_check_has_its_section() -> None:
    page = (ROOT / "docs" / "checks.md").read_text()
    for check in built_in_checks():
        assert f"## {check.id}\n" in page
