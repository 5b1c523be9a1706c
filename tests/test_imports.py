"""What is really imported: the walls of the house hold at run time, and start-up stays light."""

from __future__ import annotations

import subprocess
import sys

import pytest


def imported(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


HEAVY = {"pyarrow", "duckdb", "xlsxwriter", "jinja2", "rich", "typer", "pandas", "numpy"}
HEAVY |= {"boto3", "botocore", "urllib3", "docx", "lxml", "matplotlib"}


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        ("import trueup", set()),
        ("import trueup.__main__", set()),
        ("import trueup.cli", {"typer"}),
        ("import trueup.books.reading", set()),
        ("import trueup.sample", set()),
        ("import trueup.sources.s3, trueup.sources.cloudwatch", set()),
        ("import trueup.sources.documents", set()),
        ("import trueup.reports.png_report", set()),
    ],
)
def test_light(statement: str, allowed: set[str]) -> None:
    assert imported(statement) & HEAVY <= allowed


def test_the_public_api() -> None:
    assert "trueup.auditing" in imported("import trueup; trueup.audit")
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = __import__("trueup").nothing
