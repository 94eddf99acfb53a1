from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from models.problem import BadInput
from models.site import Site
from service.clock import site_now
from service.desk import take_complaint
from stores.records import Records

SEVEN = datetime(2026, 7, 11, 7, tzinfo=timezone(timedelta(hours=8)))


def test_complaint_is_tied_to_the_customers_node(site: Site, records: Records) -> None:
    complaint = take_complaint(site, records, "C-FAN", " 压力太低 ", SEVEN, 6.5, "Wang")
    assert (complaint.node, complaint.words, complaint.time.tzinfo) == ("J-4", "压力太低", UTC)
    assert records.unanswered_complaints() == (complaint,)


def test_everything_wrong_with_a_complaint_is_said_at_once(site: Site, records: Records) -> None:
    with pytest.raises(BadInput) as caught:
        take_complaint(site, records, "C-FEN", " ", datetime(2026, 7, 11, 7), 650.0)  # noqa: DTZ001
    said = str(caught.value)
    assert f"{site.folder / 'customers.csv'}: customer C-FEN: unknown; did you mean C-FAN" in said
    assert "nothing is said" in said
    assert "2026-07-11T07:00:00 is naive, expected an offset" in said
    assert "reading 650 m, expected -10.3 to 400 m" in said
    assert len(caught.value.problems) == 4
    assert records.complaints() == ()


@pytest.mark.parametrize("reading", [float("nan"), float("inf"), -50.0])
def test_reading_that_is_no_pressure_is_refused(site: Site, records: Records, reading: float) -> None:
    with pytest.raises(BadInput, match="reading"):
        take_complaint(site, records, "C-FAN", "low", SEVEN, reading)


def test_words_without_end_are_refused(site: Site, records: Records) -> None:
    with pytest.raises(BadInput, match="2001 characters, expected at most 2000"):
        take_complaint(site, records, "C-FAN", "x" * 2001, SEVEN)


def test_present_of_a_site_is_the_plants_once_it_is_known(site: Site, records: Records) -> None:
    wall = datetime(2030, 1, 1, tzinfo=UTC)
    assert site_now(site, records, wall) == wall
    records.beat("monitor", SEVEN)
    assert site_now(site, records, wall) == SEVEN
