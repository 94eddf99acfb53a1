"""What customers say and crews read, and when."""

from __future__ import annotations

from datetime import timedelta

from tests.api.conftest import NOW, House


def test_nothing_is_said_or_read_before_its_time(house: House) -> None:
    client = house.client("operator")
    asked: dict[str, dict[str, object]] = {
        "/api/v1/complaints": {"customer_id": "C-FAN", "words": "low"},
        "/api/v1/readings": {"node": "J-126", "value_m": 9.0},
    }
    for path, body in asked.items():
        late = (house.context.wall() + timedelta(days=1)).isoformat()
        refused = client.post(path, json={**body, "time": late})
        assert refused.status_code == 422
        assert "expected none after" in refused.json()["detail"]
        assert client.post(path, json={**body, "time": NOW.isoformat()}).status_code == 201
        present = client.post(path, json=body).json()["time"]
        assert present == NOW.isoformat().replace("+00:00", "Z")
