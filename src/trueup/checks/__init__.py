"""The checks: one SQL statement each, its catalogue entry, and the runner."""

from trueup.checks.catalogue import SEVERITIES, Check, built_in_checks, chosen_checks
from trueup.checks.runner import Findings, run_checks

__all__ = ["SEVERITIES", "Check", "Findings", "built_in_checks", "chosen_checks", "run_checks"]
