"""Unusual changes by methods that learn what is usual: PyOD's detectors over a few features.

They know no limit: the settings' share of all changes, the ones with the highest scores, is taken
as unusual. No label is used, and nothing here rounds money: floats are features and scores alone.
"""

from __future__ import annotations

import logging
import math
import os
import random
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files as package_files

import numpy as np
from numpy.typing import NDArray

from trueup.books.ledger import Books
from trueup.config import Settings

Matrix = NDArray[np.float64]

FEATURES = ("deviation", "times_usual", "deviation_from_all")
"""The columns of features.sql that a detector sees; the first one ranks equal scores."""

LEAST_CHANGES = 20
"""With fewer changes than this nothing is judged: they are no history to learn from."""

# Scores are compared as rounded here, so that the last bits of a sum decide nothing.
_SCORE_DECIMALS = 6

# Few changes a tree, so that faults hide one another less: with 2 % of faults in real logs, trees of
# 64 changes gave an average precision of 0.76, of 256 one of 0.59, of 2,048 one of 0.33.
_TREE_CHANGES = 64

# The network learns from the share of changes nearest to the usual: taught with all, it learned the
# faults too and, by its random start, found between a fifth and all of what it finds now. It has a
# handful of weights, and more changes than these teach it nothing.
_TAUGHT_SHARE = 0.95
_TAUGHT_CHANGES = 50_000
_SCORED_AT_ONCE = 8192


def find_by_learning(books: Books, settings: Settings) -> None:
    """Make the table `unusual_changes`; `allowed` is NULL in it."""
    features = _make_features(books)
    places, scores = _most_unusual(features, settings)
    told = (
        f"To the method {settings.checks_unusual_method} it is among the "
        f"{settings.checks_unusual_share:%} of all changes that stand out most; usual is the median of "
    )
    books.connection.execute(
        """
        CREATE OR REPLACE TABLE unusual_changes AS
        SELECT
            f.attempt_id, f.usual, CAST(NULL AS DOUBLE) AS allowed, u.score,
            concat(?::VARCHAR, CASE
                WHEN f.has_own THEN 'the subscriber''s own changes of this kind.'
                ELSE 'everybody''s changes of this kind: the subscriber has too few.'
            END) AS basis
        FROM (SELECT unnest(?::BIGINT[]) AS place, unnest(?::DOUBLE[]) AS score) AS u
        INNER JOIN change_features AS f ON f.place = u.place
        """,
        [told, places, scores],
    )
    books.connection.execute("DROP TABLE change_features")


def _make_features(books: Books) -> Matrix:
    """Make the table `change_features` and return its features' logarithms, a row per change."""
    statement = package_files("trueup.checks").joinpath("unusual", "features.sql").read_text()
    books.connection.execute(f"CREATE OR REPLACE TEMP TABLE change_features AS {statement}")
    query = f"SELECT {', '.join(FEATURES)} FROM change_features ORDER BY place"
    columns = books.connection.execute(query).fetchnumpy()
    features: Matrix = np.log1p(np.column_stack([columns[name] for name in FEATURES]))
    return features


def _most_unusual(features: Matrix, settings: Settings) -> tuple[list[int], list[float]]:
    """Return the places and scores of the changes that stand out, the most unusual first."""
    if len(features) < LEAST_CHANGES:
        return [], []
    with _undisturbed():
        found = DETECTORS[settings.checks_unusual_method](features)
    scores = np.round(found, _SCORE_DECIMALS)
    order = np.lexsort((np.arange(len(scores)), -features[:, 0], -scores))
    chosen = order[: math.ceil(len(scores) * settings.checks_unusual_share)]
    # Where most changes are alike, a share of them would be as usual as the others.
    chosen = chosen[scores[chosen] > np.median(scores)]
    return chosen.tolist(), scores[chosen].tolist()


def _by_ecod(features: Matrix) -> Matrix:
    from pyod.models.ecod import ECOD

    scores: Matrix = ECOD().fit(features).decision_scores_
    return scores


def _by_iforest(features: Matrix) -> Matrix:
    from pyod.models.iforest import IForest

    forest = IForest(max_samples=min(_TREE_CHANGES, len(features)), random_state=0)
    scores: Matrix = forest.fit(features).decision_scores_
    return scores


def _by_autoencoder(features: Matrix) -> Matrix:
    import torch
    from pyod.models.auto_encoder import AutoEncoder

    # What does not vary has no scale, and nothing to tell.
    features = features[:, np.ptp(features, axis=0) > 0]
    if not features.size:
        return np.zeros(len(features))
    taught = features[features[:, 0] <= np.quantile(features[:, 0], _TAUGHT_SHARE)]
    taught = taught[:: math.ceil(len(taught) / _TAUGHT_CHANGES)]
    threads = torch.get_num_threads()
    # One thread: how many there are must not decide a sum's last bits, and so small is faster.
    torch.set_num_threads(1)
    with torch.random.fork_rng(devices=[]):
        network = AutoEncoder(
            hidden_neuron_list=[2],
            batch_size=min(256, len(taught) // 2),
            device="cpu",
            random_state=0,
            verbose=0,
        )
        network.fit(taught)
    scores: Matrix = network.decision_function(features, batch_size=_SCORED_AT_ONCE)
    torch.set_num_threads(threads)
    return scores.astype(np.float64)


DETECTORS: dict[str, Callable[[Matrix], Matrix]] = {
    "ecod": _by_ecod,
    "iforest": _by_iforest,
    "autoencoder": _by_autoencoder,
}
"""By method, what gives each row of features its score: the higher, the more unusual."""


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Keep what the libraries say from the user, and what they set from the rest of the program."""
    numbers, arrays, environment = random.getstate(), np.random.get_state(), dict(os.environ)  # noqa: NPY002
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
        random.setstate(numbers)
        np.random.set_state(arrays)  # noqa: NPY002
        for name in os.environ.keys() - environment.keys():
            del os.environ[name]
        os.environ.update(environment)
