from __future__ import annotations

from models.register import RegisteredValve
from models.site import Site
from service.isolation import Layout, valves_to_close


def ids(valves: tuple[RegisteredValve, ...]) -> list[str]:
    return [valve.valve_id for valve in valves]


def test_first_valves_on_every_way_out_isolate_a_link(site: Site, layout: Layout) -> None:
    assert sorted(ids(valves_to_close(layout, site.valves, links=["P-2"]))) == ["V-2", "V-3a"]


def test_valve_that_may_not_hold_is_passed_over(site: Site, layout: Layout) -> None:
    found = valves_to_close(layout, site.valves, links=["P-2"], distrusted=frozenset({"V-2"}))
    assert sorted(ids(found)) == ["V-1b", "V-3a"]


def test_node_is_isolated_by_the_valves_around_it(site: Site, layout: Layout) -> None:
    assert sorted(ids(valves_to_close(layout, site.valves, nodes=["J-2"]))) == ["V-1b", "V-2"]


def test_link_and_node_of_one_name_are_two_things() -> None:
    layout = Layout(ends={"1": ("1", "2"), "2": ("2", "3")})
    valves = (RegisteredValve("A", "1", "end"), RegisteredValve("B", "2", "end"))
    assert ids(valves_to_close(layout, valves, links=["2"])) == ["B", "A"]
    assert ids(valves_to_close(layout, valves, nodes=["2"])) == ["A", "B"]


def test_network_that_is_not_known_isolates_nothing(site: Site) -> None:
    assert valves_to_close(Layout(), site.valves, links=["P-2"]) == ()
