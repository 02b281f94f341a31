"""What lists should hold."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from palate import _arguments
from palate.errors import SettingError
from palate.inference._lists import By, question
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
    cautious: float | None = None
    diversity: float = 0.0
    calibrate: str | None = None
    explain: bool = False
    unknown: Unknown | None = None
    candidates_by_user: Any = None
    exclude_by_user: Any = None

    def __post_init__(self) -> None:
        _arguments.integer("n", self.n, 1)

    def question(self, learned: Learned) -> By:
        """Return the question that the lists answer.

        Raises
        ------
        SettingError
            If the model can't answer it, or `cautious` is given with another than "rating".
        """
        if self.cautious is None:
            return question(learned, self.by)
        if self.by not in {None, "rating"}:
            raise SettingError(f'cautious ranks by expected ratings; leave out by="{self.by}"')
        return question(learned, "rating")

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
