from __future__ import annotations

from datetime import UTC, datetime
from string import Formatter

import pytest

from models.notice import PARAMETERS, TEMPLATES, Notice, NoticeCode, render

NOON = datetime(2026, 7, 11, 4, tzinfo=UTC)


@pytest.mark.parametrize("language", sorted(TEMPLATES))
@pytest.mark.parametrize("code", NoticeCode)
def test_every_template_uses_exactly_its_parameters(language: str, code: NoticeCode) -> None:
    used = {name for _, name, _, _ in Formatter().parse(TEMPLATES[language][code]) if name}
    assert used == {"name", *PARAMETERS[code]}


def test_times_are_told_in_the_customers_local_time_and_language() -> None:
    times = {"start": "2026-07-11T06:00:00+00:00", "end": "2026-07-11T09:30:00+00:00"}
    notice = Notice("C-1", "风机厂", "zh-CN", NoticeCode.WORK_PLANNED, NOON, {"street": "桂花路", **times})
    text = render(notice, "Asia/Shanghai")
    assert "尊敬的风机厂" in text
    assert "2026-07-11 14:00至2026-07-11 17:30" in text


def test_unknown_language_is_answered_in_english() -> None:
    notice = Notice("C-1", "Fans", "fi", NoticeCode.PRESSURE_RESTORED, NOON, {"street": "Guihua Road"})
    assert render(notice, "UTC").startswith("Dear Fans: the work near Guihua Road")


def test_braces_in_a_name_stay_as_they_are() -> None:
    notice = Notice("C-1", "{street}", "en", NoticeCode.PRESSURE_RESTORED, NOON, {"street": "{name}"})
    assert "Dear {street}: the work near {name}" in render(notice, "UTC")


def test_missing_parameter_is_an_error() -> None:
    with pytest.raises(ValueError, match="expected"):
        Notice("C-1", "Fans", "en", NoticeCode.WORK_PLANNED, NOON, {"street": "Guihua Road"})
