"""What a document that cannot be read raises."""

from __future__ import annotations


class UnreadableDocument(Exception):  # noqa: N818  (the house's word for it)
    """A document that gives no text: says what is wrong and what to do, fit for `problems`."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem
