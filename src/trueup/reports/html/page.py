"""Write `report.html`: one file that loads nothing and runs no script but its own.

The Content-Security-Policy forbids everything; what the page brings is allowed by its hash. So
text from a log could not run, nor call home, even if it got past the escaping.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files as package_files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from trueup.checks import SEVERITIES
from trueup.reports.html import listed
from trueup.reports.html.charts import charts
from trueup.reports.html.words import clean, printing
from trueup.reports.report import Report

# Plotly makes these elements where they are missing; they are there, so that it need not.
_PLOTLY_STYLES = (
    "plotly.js-style-global",
    "9f215cf04c5486422605d13261cb87401f4e7763b6296af81e98efbc0130da53",
)


def write_html(report: Report, path: Path) -> None:
    """Write report.html."""
    scripts = [_asset("plotly/plotly-basic.min.js"), _asset("report.js")]
    style = _asset("report.css")
    environment = Environment(
        loader=PackageLoader("trueup.reports.html", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= printing(report.money)
    parts = environment.get_template(
        "report.html.j2"
    ).stream(
        report=report,
        policy=policy(scripts, [style, ""]),
        style=Markup(style),  # noqa: S704  (our own files, without any text from logs)
        plotly=Markup(scripts[0]),  # noqa: S704
        script=Markup(scripts[1]),  # noqa: S704
        plotly_styles=_PLOTLY_STYLES,
        severities=SEVERITIES,
        at_risk=listed.at_risk,
        currencies=dict(list(report.currencies.items())[: listed.MOST_CURRENCIES]),
        charts=charts(report),
        findings=listed.open_findings(report),
        accepted=listed.accepted_findings(report),
        subscribers=listed.riskiest_subscribers(report),
        clean=clean,
    )
    with path.open("w", encoding="utf-8", errors="replace", newline="\n") as file:
        parts.enable_buffering(100)
        file.writelines(parts)


def policy(scripts: list[str], styles: list[str]) -> str:
    """Return a Content-Security-Policy that lets exactly these scripts and styles be."""
    allowed = {
        "script-src": " ".join(map(_source, scripts)),
        "style-src": " ".join(map(_source, styles)),
        "img-src": "data: blob:",  # a chart that is saved as a picture
    }
    rules = "; ".join(f"{name} {sources}" for name, sources in allowed.items())
    return f"default-src 'none'; {rules}; base-uri 'none'; form-action 'none'"


def _source(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


@cache
def _asset(name: str) -> str:
    """Return a file of the package; its lines end as a browser will read them."""
    return package_files(__package__ or "").joinpath(name).read_text(encoding="utf-8")
