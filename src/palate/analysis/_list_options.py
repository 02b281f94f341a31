"""What lists should hold."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from palate import _arguments
from palate.errors import SettingError
from palate.inference._lists import By, Ranking, question
from palate.learned._learned import Learned
from palate.learned._lookup import Unknown


@dataclass(frozen=True)
class ListOptions:
    """What lists should hold; see `Profile.recommend` and `Profiles.recommend`."""

    n: int
    candidates: Any = None
    exclude: Iterable[Any] = ()
    where: Mapping[str, Any] | None = None
    seen: bool = False
    by: By | None = None
    balance: float | None = None
    cautious: float | None = None
    diversity: float = 0.0
    calibrate: str | None = None
    explain: bool = False
    unknown: Unknown | None = None
    candidates_by_user: Any = None
    exclude_by_user: Any = None

    def __post_init__(self) -> None:
        _arguments.integer("n", self.n, 1)

    def ranking(self, learned: Learned) -> Ranking:
        """Return what the lists are ranked by.

        Raises
        ------
        SettingError
            If the model can't answer the question, or other options contradict it.
        """
        if self.balance is not None:
            return self._balance(learned)
        if self.cautious is None:
            return question(learned, self.by)
        if self.by not in {None, "rating"}:
            raise SettingError(f'cautious ranks by expected ratings; leave out by="{self.by}"')
        return question(learned, "rating")

    def _balance(self, learned: Learned) -> Ranking:
        """Return the balance of both questions; at its ends, the only one."""
        balance = _arguments.finite("balance", self.balance, "be from 0 to 1")
        if not 0 <= balance <= 1:
            raise SettingError(f"balance is {balance:g}; it must be from 0 to 1")
        if self.cautious is not None:
            raise SettingError("cautious ranks by expected ratings; leave out balance=")
        if self.by not in {None, "both"}:
            raise SettingError(f'balance is between both questions; leave out by="{self.by}"')
        question(learned, "both")
        return "choice" if balance == 0 else "rating" if balance == 1 else balance

    def quantile(self) -> float | None:
        """Return the standard normal quantile of the cautious order; None in the usual order.

        Raises
        ------
        SettingError
            If `cautious` is out of range.
        """
        if self.cautious is None:
            return None
        probability = _arguments.finite("cautious", self.cautious)
        if not 0 < probability <= 0.5:
            raise SettingError(
                f"cautious is {self.cautious}; it must be above 0 and at most 0.5, such as 0.1"
            )
        return NormalDist().inv_cdf(probability)
