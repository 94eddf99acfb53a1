"""The catalogue: pipes that can be laid, with their true inner diameter."""

from __future__ import annotations

import csv
import difflib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from hydro.errors import InputError

FAMILY_WORDS = {
    "PE100 SDR11": ("PE100", "PE", "HDPE", "PE80", "MDPE", "PVC", "PLASTIC"),
    "DI K9": ("DI", "DUCTILE", "DUCTILE IRON", "CI", "CAST IRON", "GREY IRON", "IRON"),
    "STEEL": ("STEEL", "ST"),
}
"""Which family takes the place of a pipe of a material, by the words registers use."""
_COLUMNS = "name, material, nominal_mm, inner_mm, hazen_williams, roughness_mm"
WIDER = 1.05
"""A pipe replaced is replaced by one wider by this factor at least: catalogues differ in walls by less [-]."""
DEFAULT_FAMILY = "PE100 SDR11"


@dataclass(frozen=True, slots=True)
class PipeSize:
    """One size: ``nominal``, ``inner`` [m]; roughness of a new pipe as Hazen–Williams C [-] and as height [m].

    ``cost`` is a metre's, laid, in the utility's currency; None where no table was brought.
    """

    name: str
    family: str
    nominal: float
    inner: float
    hazen_williams: float
    height: float
    cost: float | None
    source: str

    def roughness(self, formula: str) -> float:
        """Return the new pipe's roughness in a headloss formula's own unit (D-W in metres)."""
        # Manning's n of a smooth new pipe; tables give 0.009 to 0.011 for plastic and lined iron.
        return {"H-W": self.hazen_williams, "D-W": self.height, "C-M": 0.010}[formula]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Sizes, each family in ascending order."""

    sizes: tuple[PipeSize, ...]

    def named(self, name: str) -> PipeSize:
        """Return the size of that name, whatever the case of its letters.

        Raises
        ------
        InputError
            There is none.
        """
        wanted = " ".join(name.split()).upper()
        for size in self.sizes:
            if size.name.upper() == wanted:
                return size
        near = difflib.get_close_matches(wanted, [size.name.upper() for size in self.sizes], n=3, cutoff=0.3)
        names = [size.name for size in self.sizes if size.name.upper() in near] or [self.sizes[0].name]
        raise InputError(f'pipe size "{name}" is not in the catalogue, expected one such as {", ".join(names)}')

    def next_size(self, material: str, inner: float) -> PipeSize | None:
        """Return the smallest size that would replace a pipe and is wider than ``inner`` [m] by a twentieth at least.

        Of the pipe's own family; of any other where that one ends.
        """
        for sizes in (self.family_of(material), sorted(self.sizes, key=lambda size: size.inner)):
            wider = [size for size in sizes if size.inner > WIDER * inner]
            if wider:
                return wider[0]
        return None

    def family_of(self, material: str) -> list[PipeSize]:
        """Return the sizes that would replace a pipe of that material, in ascending order."""
        wanted = " ".join(material.split()).upper()
        exact = [size for size in self.sizes if size.family.upper() == wanted]
        if exact:
            return exact
        family = next((name for name, words in FAMILY_WORDS.items() if _speaks_of(wanted, words)), DEFAULT_FAMILY)
        return [size for size in self.sizes if size.family == family]


@lru_cache(maxsize=1)
def standard_catalogue() -> Catalogue:
    """Return the catalogue that comes with Hydro; it has no costs."""
    with files("hydro").joinpath("catalogue_data/pipes.csv").open(encoding="utf-8") as file:
        return _catalogue(list(csv.DictReader(file)), "pipes.csv")


def read_catalogue(path: Path) -> Catalogue:
    """Return a utility's own catalogue: the same columns, with its laid cost a metre.

    Raises
    ------
    InputError
        The file is not there, or a column or a number is missing.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}, expected a catalogue of pipes") from error
    rows = list(csv.DictReader(text.splitlines()))
    if not rows:
        raise InputError(f"{path}: holds no pipe, expected rows of {_COLUMNS}")
    return _catalogue(rows, str(path))


def _catalogue(rows: list[dict[str, str]], file: str) -> Catalogue:
    sizes = []
    for line, row in enumerate(rows, start=2):
        try:
            sizes.append(
                PipeSize(
                    name=row["name"],
                    family=row["material"],
                    nominal=float(row["nominal_mm"]) / 1e3,
                    inner=float(row["inner_mm"]) / 1e3,
                    hazen_williams=float(row["hazen_williams"]),
                    height=float(row["roughness_mm"]) / 1e3,
                    cost=float(row["cost_per_m"]) if row.get("cost_per_m") else None,
                    source=row.get("source", ""),
                )
            )
        except (KeyError, ValueError, TypeError) as error:
            raise InputError(f"{file}:{line}: {error}, expected {_COLUMNS}") from error
    return Catalogue(tuple(sorted(sizes, key=lambda size: (size.family, size.inner))))


def _speaks_of(material: str, words: tuple[str, ...]) -> bool:
    return any(material == word or word in material.split() or material.startswith(word) for word in words)
