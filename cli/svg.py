"""A picture as SVG: shapes in, one text out; the look of each class of shape stands in one style sheet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape, quoteattr

Place = tuple[float, float]
"""x to the right, y down [px]."""


class Picture:
    """A picture that grows shape by shape; later shapes lie over earlier ones."""

    def __init__(self, width: float, height: float, style: str, title: str) -> None:
        self._size = (width, height)
        self._parts = [f"<title>{escape(title)}</title>", f"<style>{style}</style>"]

    def shape(self, tag: str, kind: str = "", **values: object) -> None:
        """Add a shape; ``kind`` is its class, underscores in names become hyphens, numbers keep one decimal."""
        given = ({"class": kind} if kind else {}) | values
        told = "".join(f" {name.replace('_', '-')}={quoteattr(_told(value))}" for name, value in given.items())
        self._parts.append(f"<{tag}{told}/>")

    def rect(self, kind: str, corner: Place, width: float, height: float, rounded: float = 0.0) -> None:
        """Add a rectangle from its upper left corner."""
        self.shape("rect", kind, x=corner[0], y=corner[1], width=width, height=height, rx=rounded)

    def circle(self, kind: str, centre: Place, radius: float, **values: object) -> None:
        """Add a circle."""
        self.shape("circle", kind, cx=centre[0], cy=centre[1], r=radius, **values)

    def path(self, kind: str, places: Sequence[Place], closed: bool = False, **values: object) -> None:
        """Add a line through places."""
        told = " ".join(f"{'L' if number else 'M'}{_told(x)} {_told(y)}" for number, (x, y) in enumerate(places))
        self.shape("path", kind, d=told + ("Z" if closed else ""), **values)

    def text(self, kind: str, place: Place, words: str, turned: float = 0.0, **values: object) -> None:
        """Add words on one line, perhaps turned about their place [degrees]."""
        given: dict[str, object] = {"class": kind, "x": place[0], "y": place[1], **values}
        if turned:
            given["transform"] = f"rotate({_told(turned)} {_told(place[0])} {_told(place[1])})"
        told = "".join(f" {name.replace('_', '-')}={quoteattr(_told(value))}" for name, value in given.items())
        self._parts.append(f"<text{told}>{escape(words)}</text>")

    def open(self, **values: str) -> None:
        """Open a group."""
        self._parts.append(
            "<g" + "".join(f" {name.replace('_', '-')}={quoteattr(v)}" for name, v in values.items()) + ">"
        )

    def close(self) -> None:
        """Close the group opened last."""
        self._parts.append("</g>")

    def window(self, name: str, corner: Place, width: float, height: float) -> None:
        """Add a clipping window that groups can name as ``clip_path="url(#name)"``."""
        x, y = map(_told, corner)
        size = f'width="{_told(width)}" height="{_told(height)}" rx="8"'
        self._parts.append(f'<clipPath id={quoteattr(name)}><rect x="{x}" y="{y}" {size}/></clipPath>')

    def told(self) -> str:
        """Return the file's text."""
        width, height = map(_told, self._size)
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        )
        return "\n".join([head, *self._parts, "</svg>", ""])


def wrapped(words: str, most: int) -> list[str]:
    """Return lines of at most ``most`` columns, where a Chinese character takes two; broken at spaces, or anywhere."""
    lines, line = list[str](), ""
    for piece in _pieces(words):
        if line and columns(line + piece.rstrip()) > most:
            lines.append(line.rstrip())
            line = piece.lstrip()
        else:
            line += piece
    return [*lines, line.rstrip()] if line.strip() else lines


def columns(words: str) -> int:
    """Return how wide words are: Latin letters one, Chinese characters two."""
    return sum(2 if ord(letter) > 0x2E7F else 1 for letter in words)


def _pieces(words: str) -> Iterable[str]:
    """Yield words with the space after them, and Chinese characters one by one."""
    piece = ""
    for letter in words:
        piece += letter
        if letter == " " or ord(letter) > 0x2E7F:
            yield piece
            piece = ""
    yield piece


def _told(value: object) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)
