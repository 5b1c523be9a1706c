"""The checks: one SQL statement each, its catalogue entry, and the runner."""

from trueup.checks.catalogue import SEVERITIES, Check, first_checks
from trueup.checks.runner import Findings, run_checks

__all__ = ["SEVERITIES", "Check", "Findings", "first_checks", "run_checks"]
