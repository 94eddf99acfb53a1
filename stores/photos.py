"""Photos of crews, kept with their orders."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Row, func, select

from models.photo import Photo
from models.problem import Missing, Refused
from stores.records_database import Database
from stores.records_queries import insert_audit, insert_row, row_by_id
from stores.records_schema import ORDERS, PHOTOS

MOST_PHOTOS = 40
"""An order that has this many takes no more."""
_KNOWN = [column for column in PHOTOS.c if column.name != "content"]


class Photos:
    """Photos by order; lists do not read their bytes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, photo: Photo, content: bytes) -> Photo:
        """Keep a photo and return it with its id."""
        values = {"order_id": photo.order_id, "media_type": photo.media_type, "size": photo.size}
        more = {"by": photo.by, "time": photo.time, "caption": photo.caption, "content": content}
        with self._database.write() as connection:
            row_by_id(connection, ORDERS, photo.order_id, "order", lock=True)
            there = select(func.count()).select_from(PHOTOS).where(PHOTOS.c.order_id == photo.order_id)
            if (connection.scalar(there) or 0) >= MOST_PHOTOS:
                raise Refused.of(f"order {photo.order_id}: has {MOST_PHOTOS} photos, which is as many as are kept")
            number = insert_row(connection, PHOTOS, {**values, **more})
            said = {"photo": number, "bytes": photo.size}
            subject = f"order/{photo.order_id}"
            insert_audit(connection, photo.time, photo.time, photo.by, "photograph", subject, said)
        return replace(photo, id=number)

    def photos(self, order_id: int) -> tuple[Photo, ...]:
        """Return what is known of an order's photos, in the order they were taken."""
        query = select(*_KNOWN).where(PHOTOS.c.order_id == order_id).order_by(PHOTOS.c.id)
        with self._database.read() as connection:
            return tuple(_photo_of(row) for row in connection.execute(query))

    def content(self, order_id: int, photo_id: int) -> tuple[Photo, bytes]:
        """Return a photo with its bytes; raises ``Missing`` when the order has none of that id."""
        with self._database.read() as connection:
            row = row_by_id(connection, PHOTOS, photo_id, "photo")
        if row.order_id != order_id:
            raise Missing.of(f"photo {photo_id}: there is none of that id with order {order_id}")
        return _photo_of(row), bytes(row.content)


def _photo_of(row: Row[Any]) -> Photo:
    return Photo(row.order_id, row.media_type, row.size, row.by, row.time, row.caption, row.id)
