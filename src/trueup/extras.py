"""Libraries that only some settings need: they are missed before logs are read, not after."""

from __future__ import annotations

import sys
from importlib.util import find_spec

from trueup.config import Settings
from trueup.errors import BadUse

# By method of unusual_change: the extra that brings them, and each library's module and name.
# PyOD's autoencoder imports tqdm, which PyOD does not ask for.
_PYOD = {"pyod": "PyOD"}
_NEEDED = {
    "ecod": ("learned", _PYOD),
    "iforest": ("learned", _PYOD),
    "autoencoder": ("autoencoder", {**_PYOD, "torch": "PyTorch", "tqdm": "tqdm"}),
}


def make_ready(settings: Settings) -> None:
    """See that what the settings need can be imported; call it before Arrow is.

    Raises BadUse for a library that is missing, with the way to install it.
    """
    if "png" in settings.formats and settings.process_count == 1:
        _let_numpy_in()
    method = settings.checks_unusual_method
    if method not in _NEEDED or "unusual_change" in settings.checks_off:
        return
    extra, libraries = _NEEDED[method]
    for module, name in libraries.items():
        if find_spec(module) is None:
            raise BadUse(
                f'checks.unusual_method: {method} needs {name}: pip install "trueup[{extra}]"'
            )
    _let_numpy_in()


def _let_numpy_in() -> None:
    # The command line hides NumPy, so that Arrow does not load it at every start.
    if sys.modules.get("numpy", sys) is None:
        del sys.modules["numpy"]
