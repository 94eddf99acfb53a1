"""Who draws water where: 24 h patterns, customers of several kinds, design demands."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from sample_networks.town.streets import CASE_STREET, Junction, Plan

PATTERNS = {
    "homes": (
        0.35, 0.28, 0.25, 0.25, 0.35, 0.65, 1.20, 1.65, 1.50, 1.15, 1.00, 1.00,
        1.15, 1.05, 0.85, 0.80, 0.95, 1.30, 1.65, 1.75, 1.60, 1.35, 0.95, 0.97,
    ),
    "offices": (
        0.20, 0.15, 0.15, 0.15, 0.20, 0.40, 0.80, 1.30, 1.90, 2.00, 1.95, 1.85,
        1.60, 1.70, 1.85, 1.80, 1.65, 1.40, 0.90, 0.65, 0.50, 0.40, 0.30, 0.20,
    ),
    "two_shift": (
        0.40, 0.35, 0.35, 0.35, 0.40, 0.55, 1.30, 1.40, 1.40, 1.40, 1.35, 1.10,
        1.25, 1.40, 1.20, 1.35, 1.40, 1.40, 1.35, 1.10, 1.20, 1.10, 0.60, 0.30,
    ),
    "three_shift": (
        0.95, 0.95, 0.95, 0.95, 0.95, 0.90, 1.05, 1.10, 1.10, 1.10, 1.05, 0.95,
        1.05, 1.10, 1.05, 1.05, 1.05, 1.05, 1.00, 0.95, 1.00, 0.95, 0.85, 0.90,
    ),
}  # fmt: skip
"""Hourly factors from midnight, mean 1."""
FACTORY = "C-FAN"
FACTORY_DESIGN_L_S = 2.0
FACTORY_GROWN_L_S = 3.6


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer as the register holds it, and the pattern behind it."""

    id: str
    name: str
    kind: str
    pattern: str
    address: str
    node: str
    contact: str
    design_l_s: float
    required_m: float | None = None
    key_account: bool = False
    representative: str = ""
    language: str = "zh"


@dataclass(frozen=True, slots=True)
class _Trade:
    """A kind of customer: how it draws, how much [l/s], and what such customers are called."""

    kind: str
    pattern: str
    low_l_s: float
    high_l_s: float
    names: tuple[str, ...]


_HOMES = _Trade("residential", "homes", 0.18, 0.55, ("花园小区", "新苑小区", "家园小区", "雅居小区", "Garden Court"))
_SHOPS = _Trade("shop", "offices", 0.05, 0.18, ("超市", "饭店", "Tea House", "菜市场"))
_OFFICES = _Trade("office", "offices", 0.08, 0.35, ("商务楼", "服务中心", "学校", "Business Centre"))
_WORKS = _Trade("factory", "two_shift", 0.20, 0.75, ("机械厂", "服装厂", "家具厂", "Tools Works"))
_PLANTS = _Trade("factory", "three_shift", 0.25, 0.90, ("食品厂", "包装厂", "橡胶厂", "Plastics"))

_CASE_STREET = (
    ("胶州精工机械有限公司", "two_shift", 0.16),
    ("Jiaozhou Fastener Works", "two_shift", 0.14),
    ("上合包装有限公司", "two_shift", 0.15),
    ("上合风机厂", "two_shift", FACTORY_DESIGN_L_S),
    ("Shanghe Cold Store", "three_shift", 0.12),
)
"""The firms of the documented case, in the order of the street's junctions from the corner on."""

_KEY = (
    ("C-DYE", "胶州印染厂", "factory", "three_shift", 3.2, "Ganjiang Road"),
    ("C-BREW", "Shanghe Brewery", "factory", "two_shift", 2.6, "Songhuajiang Road"),
    ("C-HOSP", "示范区人民医院", "hospital", "three_shift", 1.8, "Zhujiang Road"),
    ("C-HOTEL", "Shanghe Grand Hotel", "hotel", "homes", 1.4, "Minjiang Road"),
)
"""Key accounts with meters of their own: id, name, kind, pattern, design demand [l/s], street."""

_SURNAMES = ("王", "李", "张", "刘", "陈", "Yang", "Zhao", "Huang", "Zhou", "Wu", "Xu", "Sun")


def settle(plan: Plan, random: Random) -> tuple[Customer, ...]:
    """Return the customers of the town; all customers of a node draw by one pattern."""
    degree = plan.degree()
    ring = {name for stretch in plan.stretches if stretch.ring for name in (stretch.start, stretch.end)}
    case = [stretch.end for stretch in plan.on_street(CASE_STREET)]
    taken: dict[str, tuple[str, str, str, str, float]] = {}
    for key in _KEY:
        candidates = [j for j in plan.junctions if j.street == key[5] and degree[j.id] == 2 and j.id not in taken]
        taken[random.choice(candidates).id] = key[:5]
    customers: list[Customer] = []
    for junction in plan.junctions:
        if junction.id in case:
            continue
        if junction.id in taken:
            customers.append(_key_account(junction, *taken[junction.id], random))
        elif degree[junction.id] == 1 or (
            degree[junction.id] == 2 and random.random() < (0.2 if junction.id in ring else 0.7)
        ):
            customers += _at(junction, len(customers), random)
    customers += [_firm(plan.junction(node), place, random) for place, node in enumerate(case)]
    return tuple(customers)


def base_demands(customers: tuple[Customer, ...]) -> dict[str, tuple[float, str]]:
    """Return the design demand [l/s] and the pattern of each node that has customers."""
    demands: dict[str, tuple[float, str]] = {}
    for customer in customers:
        before = demands.get(customer.node, (0.0, customer.pattern))[0]
        demands[customer.node] = round(before + customer.design_l_s, 3), customer.pattern
    return demands


def _trade(junction: Junction, random: Random) -> _Trade:
    industrial = 0.85 if junction.y < 0.0 else 0.45 if junction.y < 500.0 else 0.2 if junction.x > 1900.0 else 0.08
    if random.random() < industrial:
        return random.choice((_WORKS, _PLANTS))
    return random.choices((_HOMES, _OFFICES, _SHOPS), (0.68, 0.2, 0.12))[0]


def _at(junction: Junction, count: int, random: Random) -> list[Customer]:
    trade = _trade(junction, random)
    customers: list[Customer] = []
    for _ in range(random.choice((1, 1, 1, 2))):
        number = count + len(customers) + 1
        customers.append(
            Customer(
                id=f"C-{number:03d}",
                name=f"{junction.street.split()[0]} {random.choice(trade.names)} {number}",
                kind=trade.kind,
                pattern=trade.pattern,
                address=f"{junction.street} {random.randint(1, 199)}",
                node=junction.id,
                contact=_telephone(random),
                design_l_s=round(random.uniform(trade.low_l_s, trade.high_l_s), 2),
                representative=_person(random) if trade.kind in ("factory", "residential") else "",
                language=random.choice(("zh", "zh", "zh", "en")),
            )
        )
    return customers


def _key_account(
    junction: Junction, name: str, title: str, kind: str, pattern: str, design_l_s: float, random: Random
) -> Customer:
    return Customer(
        id=name,
        name=title,
        kind=kind,
        pattern=pattern,
        address=f"{junction.street} {random.randint(1, 199)}",
        node=junction.id,
        contact=_telephone(random),
        design_l_s=design_l_s,
        required_m=20.0 if kind == "hospital" else None,
        key_account=True,
        representative=_person(random),
        language="en" if title.isascii() else "zh",
    )


def _firm(junction: Junction, place: int, random: Random) -> Customer:
    title, pattern, design_l_s = _CASE_STREET[place]
    factory = design_l_s == FACTORY_DESIGN_L_S
    return Customer(
        id=FACTORY if factory else f"C-GH{place + 1}",
        name=title,
        kind="factory" if pattern == "two_shift" else "warehouse",
        pattern=pattern,
        address=f"{CASE_STREET} {8 + 10 * place}",
        node=junction.id,
        contact=_telephone(random),
        design_l_s=design_l_s,
        key_account=factory,
        representative=_person(random),
        language="en" if title.isascii() else "zh",
    )


def _telephone(random: Random) -> str:
    # 0532-5550-xxxx is a made-up range: nobody must be rung up by a sample.
    return f"0532-5550-{random.randint(0, 9999):04d}"


def _person(random: Random) -> str:
    return f"{random.choice(_SURNAMES)}{random.choice(('经理', '工', '主任', ' (operations)'))}"
