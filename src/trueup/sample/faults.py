"""The vocabulary of faults: what can go wrong, and how often it does unless asked otherwise.

What an auditor must find afterwards is not said here: the ledgers work it out from what was
logged, side effects and all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from trueup.errors import BadUse

FACTOR = (5.0, 20.0)
"""How many times the usual change an unusual one is, from and to."""

_ALL = "transactions"
_IN_STEP = "transactions that leave the two balances alike"
_OUT_OF_STEP = "transactions that leave the two balances different"
_BELOW_ZERO = "transactions that would take the balance below zero"


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault, under the name that rates and labels know it by."""

    name: str
    what: str
    share_of: str
    """What its rate is a share of."""
    rate: float
    """How often it happens unless asked otherwise."""
    rate_before_types: float | None = None
    """The same before 2024, where that differs."""


FAULTS = (
    Fault(
        "lost_update",
        "An update is logged as applied and lost: the next transaction starts from the old balance.",
        _ALL,
        0.0015,
    ),
    Fault(
        "not_applied",
        "A message counts as already synced, yet no other listener applied it.",
        _ALL,
        0.006,
        0.05,
    ),
    Fault(
        "reset_to_payment",
        "The subscription balance is set to the payment balance, unlogged.",
        f"{_OUT_OF_STEP}, since 2024",
        0.004,
    ),
    Fault(
        "unseen_change",
        "The subscription balance moves, half the time with the wallet, by an amount that no message explains.",
        _ALL,
        0.0015,
    ),
    Fault("drift_opened", "The wallet alone moves, out of step.", _IN_STEP, 0.0018),
    Fault("drift_moved", "The wallet alone moves, from one gap to another.", _OUT_OF_STEP, 0.0068),
    Fault("drift_closed", "The wallet alone moves, back into step.", _OUT_OF_STEP, 0.02),
    Fault(
        "mismatch",
        "The balance changes by another sum than the amount without VAT.",
        _ALL,
        0.0022,
    ),
    Fault(
        "credit_lowers",
        "A credit is taken off the subscription balance, while the wallet gains it.",
        "credits since 2024 that the balance can take",
        0.008,
    ),
    Fault(
        "debit_raises",
        "A debit is added to the subscription balance, while the wallet loses it.",
        "debits since 2024",
        0.0005,
    ),
    Fault(
        "negative_amount",
        "A credit is booked as a debit of a negative amount.",
        "credits since 2024",
        0.02,
    ),
    Fault("zero_amount", "An amount is zero.", _ALL, 0.001),
    Fault(
        "unusual_change",
        "An amount is 5 to 20 times the subscriber's usual one for the action; all else is right.",
        "transactions since 2024 with enough earlier ones to compare, and a balance that can take it",
        0.003,
    ),
    Fault(
        "duplicate_entry",
        "A wallet entry comes once more within minutes, under another transaction id, and is posted.",
        "transactions since 2024 with a wallet entry",
        0.001,
    ),
    Fault(
        "duplicate_delivery",
        "A delivery is paid for once more within minutes, under another wallet entry.",
        "transactions since 2024 with a delivery",
        0.001,
    ),
    Fault(
        "wallet_mismatch",
        "The wallet named is that of somebody else.",
        "transactions since 2024 with a wallet",
        0.0008,
    ),
    Fault(
        "currency_change",
        "A subscriber moves to another country and goes on in its currency.",
        "subscribers, each day",
        0.0003,
    ),
    Fault(
        "posted_overdraft",
        "The service lets a balance go below zero.",
        _BELOW_ZERO,
        0.15,
    ),
    Fault(
        "refused_overdraft",
        "The service refuses to let a balance go below zero; what is neither refused nor posted never comes up.",
        _BELOW_ZERO,
        0.85,
    ),
    Fault(
        "refused_unlogged",
        "A refusal is logged without its transaction.",
        "refused messages",
        0.35,
    ),
    Fault("failed_delivery", "A message fails and comes back.", _ALL, 0.002),
    Fault("failed_forever", "A message fails and never comes back.", _ALL, 0.0005),
    Fault(
        "error_burst",
        "Many more messages than usual fail, and come back.",
        "days",
        0.03,
    ),
    Fault("false_alarm", "A sync error is logged though the balances agree.", _IN_STEP, 0.0025),
    Fault("missed_alarm", "No sync error is logged though they differ.", _OUT_OF_STEP, 0.012),
    Fault("crash", "An invocation crashes before it takes up a message.", "invocations", 0.003),
    Fault("crash_at_init", "A sandbox crashes while it starts up.", "sandboxes", 0.012),
)

_BY_NAME = {fault.name: fault for fault in FAULTS}


@dataclass(frozen=True, slots=True)
class Rates:
    """How often each fault happens, and how large: as asked for, else by default.

    Raises BadUse for names that are no fault's, and for rates that are no shares.
    """

    asked: Mapping[str, float] = field(default_factory=dict)
    factor: tuple[float, float] = FACTOR
    """How many times the usual change an unusual one is, from and to."""

    def __post_init__(self) -> None:
        for name, rate in self.asked.items():
            if name not in _BY_NAME:
                import difflib  # loaded only to explain a slip

                near = difflib.get_close_matches(name, _BY_NAME, 1)
                hint = f" (did you mean {near[0]}?)" if near else ""
                known = ", ".join(sorted(_BY_NAME))
                raise BadUse(f"there is no fault {name!r}{hint}: give a rate to any of {known}")
            if not 0 <= rate <= 1:
                raise BadUse(f"the rate of {name} is {rate}: give a share from 0 to 1")

    def of(self, name: str, *, has_types: bool = True) -> float:
        """Return the rate of a fault, since 2024 or before it."""
        fault = _BY_NAME[name]
        default = fault.rate
        if not has_types and fault.rate_before_types is not None:
            default = fault.rate_before_types
        return self.asked.get(name, default)
