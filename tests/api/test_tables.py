from __future__ import annotations

import pytest

from api.tables import csv_response, plain
from tests.api.conftest import House


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\n=1"])
def test_text_that_a_spreadsheet_would_run_is_made_text(cell: str) -> None:
    assert plain(cell) == "'" + cell


@pytest.mark.parametrize("cell", ["PT-07", "", "a=b", 1.5, -2.0, None])
def test_other_cells_stay(cell: str | float | None) -> None:
    assert plain(cell) == ("" if cell is None else cell)


def test_names_with_formulas_and_quotes_survive_a_table() -> None:
    text = bytes(csv_response("a.csv", ("name",), [('=cmd|" /C calc"!A0',), ("Fan, 风扇",)]).body).decode("utf-8-sig")
    assert text == 'name\r\n"\'=cmd|"" /C calc""!A0"\r\n"Fan, 风扇"\r\n'


def test_samples_are_exported_with_their_unit(house: House) -> None:
    answer = house.client("viewer").get("/api/v1/points/PT-07/samples.csv")
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''PT-07.csv"
    lines = answer.text.removeprefix("\ufeff").splitlines()
    assert lines[0] == "time,value [m],quality,reason"
    assert len(lines) == 289
