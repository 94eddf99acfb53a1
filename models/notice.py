"""A notice to a customer: kept as a template's code and its parameters, worded in the customer's language when read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo


class NoticeCode(StrEnum):
    """What a notice says."""

    LOW_PRESSURE_KNOWN = "low_pressure_known"
    WORK_PLANNED = "work_planned"
    PRESSURE_RESTORED = "pressure_restored"


PARAMETERS: dict[NoticeCode, tuple[str, ...]] = {
    NoticeCode.LOW_PRESSURE_KNOWN: ("street",),
    NoticeCode.WORK_PLANNED: ("street", "start", "end"),
    NoticeCode.PRESSURE_RESTORED: ("street",),
}
"""The parameters of each template; ``start`` and ``end`` are ISO 8601 times with an offset."""

TEMPLATES: dict[str, dict[NoticeCode, str]] = {
    "en": {
        NoticeCode.LOW_PRESSURE_KNOWN: (
            "Dear {name}: the water pressure at your connection is lower than usual. We have found the likely cause"
            " near {street}, and a crew is looking into it."
        ),
        NoticeCode.WORK_PLANNED: (
            "Dear {name}: we are working on the main in {street} from {start} to {end}."
            " Your supply will be interrupted or weak during that time. Please store the water you need."
        ),
        NoticeCode.PRESSURE_RESTORED: (
            "Dear {name}: the work near {street} is done and the pressure should be back to normal."
            " Please let us know if it is not."
        ),
    },
    "zh": {
        NoticeCode.LOW_PRESSURE_KNOWN: (
            "尊敬的{name}：您处的供水压力低于平时。我们已查到原因可能在{street}附近，抢修人员正在处理。"
        ),
        NoticeCode.WORK_PLANNED: (
            "尊敬的{name}：我们将于{start}至{end}对{street}的供水管道施工，期间您处可能停水或水压偏低，请提前储水。"
        ),
        NoticeCode.PRESSURE_RESTORED: (
            "尊敬的{name}：{street}附近的施工已完成，供水压力应已恢复正常。如仍有问题，请与我们联系。"
        ),
    },
}
_TIMES = frozenset({"start", "end"})


@dataclass(frozen=True, slots=True)
class Notice:
    """What one customer is told. ``id`` is 0 until it is kept."""

    customer_id: str
    customer_name: str
    language: str
    code: NoticeCode
    created: datetime
    parameters: Mapping[str, str] = field(default_factory=dict)
    order_id: int | None = None
    diagnosis_id: int | None = None
    id: int = 0

    def __post_init__(self) -> None:
        expected = set(PARAMETERS[self.code])
        if set(self.parameters) != expected:
            raise ValueError(f"notice {self.code}: parameters {sorted(self.parameters)}, expected {sorted(expected)}")


def render(notice: Notice, time_zone: str) -> str:
    """Return the text of a notice in the customer's language (English where there is no template), in local time."""
    language = notice.language.split("-")[0].lower()
    template = TEMPLATES.get(language, TEMPLATES["en"])[notice.code]
    zone = ZoneInfo(time_zone)
    words = {
        name: f"{datetime.fromisoformat(value).astimezone(zone):%Y-%m-%d %H:%M}" if name in _TIMES else value
        for name, value in notice.parameters.items()
    }
    return template.format(name=notice.customer_name, **words)
