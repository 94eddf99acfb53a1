"""Once: a request that makes something may carry ``Idempotency-Key``; asked again, it is answered and not done again.

What is made and the answer to it are kept in one transaction: a service killed between them has kept neither.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Request
from pydantic import BaseModel
from starlette.responses import Response

from api.access import Person, Serving
from api.context import Context
from api.problems import ApiProblem, ProblemType
from stores.requests import Answered

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Asked again under the same key, the request is answered as before and nothing is made twice.",
    ),
]


@dataclass(frozen=True, slots=True)
class Once:
    """Does the work of a request once under its key; in one transaction even when it has none."""

    context: Context
    path: str
    key: str | None

    def __call__(
        self, person: Person, asked: BaseModel | bytes, status: int, work: Callable[[], BaseModel]
    ) -> Response:
        """Return the answer of ``work``, or the one that was given before.

        Raises
        ------
        ApiProblem
            The key was used for another request.
        """
        said = asked if isinstance(asked, bytes) else asked.model_dump_json().encode()
        digest = hashlib.sha256(self.path.encode() + b"\0" + said).hexdigest()
        with self.context.records.together():
            known = self.context.requests.answered(person.name, self.key) if self.key else None
            if known is None:
                known = Answered(digest, status, work().model_dump_json(by_alias=True))
                if self.key:
                    self.context.requests.keep(person.name, self.key, known)
        if known.digest != digest:
            raise reused(self.key)
        return Response(known.body, status_code=known.status, media_type="application/json")


def reused(key: str | None) -> ApiProblem:
    """Return the refusal of a key that another request has used."""
    return ApiProblem(ProblemType.KEY_REUSED, f"Idempotency-Key {key} was used for another request")


def once(request: Request, context: Serving, key: Key = None) -> Once:
    """Return what does a request's work once."""
    return Once(context, f"{request.method} {request.url.path}", key)


DoneOnce = Annotated[Once, Depends(once)]
