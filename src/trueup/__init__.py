"""trueup reads balance-sync logs, rebuilds the books from them, and says what does not add up.

import trueup
audit = trueup.audit("logs/")
audit.sql("select currency, count(*) from transactions group by 1")
audit.write("out/")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trueup.auditing import Audit, audit

__all__ = ["Audit", "__version__", "audit"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:  # noqa: ANN401
    # `trueup.audit` is the function, loaded on first use so that `import trueup` stays light.
    if name in {"audit", "Audit"}:
        from trueup import auditing

        value = getattr(auditing, name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'trueup' has no attribute {name!r}")
