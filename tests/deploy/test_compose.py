"""``compose.yaml`` and what belongs to it: its parts name one another rightly, and the service begins with its command.

No container is started here: it is the command of the image that runs, in a process, as the site's user would have it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

import sample_networks
from models.site_file import load_site
from simulator.port import free_port

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "compose.yaml"
SERVICES: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]
GRAFANA = ROOT / "deploy" / "grafana"


def names_in(text: str) -> set[str]:
    """The variables that a text takes from the environment."""
    return set(re.findall(r"(?<!\$)\$\{?([A-Z]\w+)", text))


def site_as_documented(folder: Path, port: int) -> Path:
    """The sample site with the stores that the how-to shows, at a port where nobody listens."""
    site = folder / "site"
    shutil.copytree(
        Path(sample_networks.__file__).parent / "jiaozhou", site, ignore=shutil.ignore_patterns("data", "history.csv")
    )
    text = (site / "site.toml").read_text(encoding="utf-8")
    page = (ROOT / "docs/how-to/compose.md").read_text(encoding="utf-8")
    found = re.search(r"```toml\n(.*?)```", page, re.DOTALL)
    assert found is not None
    stores = re.sub(r"^ +", "", found.group(1), flags=re.MULTILINE).replace(":8086", f":{port}")
    changed = re.sub(r"\[stores\].*?(?=\[monitor\])", lambda _: stores + "\n", text, flags=re.DOTALL)
    (site / "site.toml").write_text(changed.replace('clock = "device"', 'clock = "wall"'), encoding="utf-8")
    return site


def test_every_variable_stands_in_the_example() -> None:
    example = (ROOT / "deploy" / "example.env").read_text(encoding="utf-8")
    given = {line.partition("=")[0] for line in example.splitlines() if line and not line.startswith("#")}
    assert names_in(COMPOSE.read_text(encoding="utf-8")) == given


def test_site_and_dashboard_name_the_bucket_that_the_server_makes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = SERVICES["influxdb"]["environment"]
    monkeypatch.setenv("HYDRO_INFLUX_TOKEN", "a-token")
    influx = load_site(site_as_documented(tmp_path, 8086)).stores.influxdb
    assert influx is not None
    assert (influx.org, influx.bucket) == (made["DOCKER_INFLUXDB_INIT_ORG"], made["DOCKER_INFLUXDB_INIT_BUCKET"])
    assert f"{influx.url.removeprefix('http://')}:8086" in SERVICES["influxdb"]["ports"]
    (source,) = yaml.safe_load((GRAFANA / "provisioning/datasources/influxdb.yaml").read_text())["datasources"]
    assert (source["jsonData"]["organization"], source["jsonData"]["defaultBucket"]) == (influx.org, influx.bucket)
    assert source["url"] == "http://influxdb:8086"
    assert names_in(source["secureJsonData"]["token"]) <= set(SERVICES["grafana"]["environment"])
    dashboard = json.loads((GRAFANA / "dashboards/telemetry.json").read_text(encoding="utf-8"))
    asked = [one["targets"][0]["query"] for one in dashboard["panels"]]
    asked += [one["query"]["query"] for one in dashboard["templating"]["list"]]
    assert {bucket for query in asked for bucket in re.findall(r'bucket: "(\w+)"', query)} == {influx.bucket}
    uids = {one["datasource"]["uid"] for one in (*dashboard["panels"], *dashboard["templating"]["list"])}
    assert uids == {source["uid"]}


def test_provisioning_looks_where_the_files_are_mounted() -> None:
    mounted = dict(one.split(":")[:2] for one in SERVICES["grafana"]["volumes"])
    (provider,) = yaml.safe_load((GRAFANA / "provisioning/dashboards/hydro.yaml").read_text())["providers"]
    assert mounted["./deploy/grafana/dashboards"] == provider["options"]["path"]
    assert mounted["./deploy/grafana/provisioning"] == "/etc/grafana/provisioning"
    for path in mounted:
        assert not path.startswith("./") or (ROOT / path).is_dir()


@pytest.mark.slow
def test_service_begins_with_the_command_of_the_image(tmp_path: Path) -> None:
    """Even before InfluxDB is there, and though no user has been made yet."""
    found = re.search(r"^CMD (.*)$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    site, port = site_as_documented(tmp_path, 9), free_port()
    words = [str(site) if word == "/site" else word for word in json.loads(found.group(1))]
    assert words[0] == "hydro"
    words[words.index("--port") + 1] = str(port)
    with subprocess.Popen(
        [sys.executable, "-m", "cli.main", *words[1:], "--json"],
        cwd=ROOT,
        env={**os.environ, "HYDRO_INFLUX_TOKEN": "a-token"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as service:
        try:
            assert service.stdout is not None
            line = service.stdout.readline()
            assert line, service.communicate()[1]
            assert json.loads(line)["url"] == f"http://127.0.0.1:{port}"
            service.send_signal(signal.SIGTERM)
            assert service.wait(60) == 0
        finally:
            service.kill()


def test_python_of_the_image_is_one_that_hydro_runs_on() -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
    found = re.search(r"^FROM python:3\.(\d+)-slim$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    assert int(found.group(1)) >= int(wanted.removeprefix(">=3.").partition(",")[0])
