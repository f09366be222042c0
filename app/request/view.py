"""How one reader asks to see an answer: ``buffer`` and ``events``, of a body or of a query.

Both are the gateway's own: Claude is asked for everything, whatever a reader leaves out.
"""

from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.protocol.encoding import CLASSES
from app.protocol.errors import BadRequest
from app.protocol.view import View
from app.request.wrong import first_wrong, shown


class Every(BaseModel):
    """Send at most once in so many milliseconds."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)
    every_ms: int = Field(ge=1, le=10_000)


Buffer: TypeAlias = Literal["sentence"] | Every
"""How deltas are joined before they are sent."""


class ViewFields(BaseModel):
    """What one reader may say about it, among other fields."""

    model_config = ConfigDict(strict=True, extra="ignore")
    buffer: Buffer | None = None
    events: list[str] | None = None

    def view(self) -> View:
        """Return the view that is asked for.

        Raises:
            BadRequest: ``events`` names what is no event type.
        """
        types = None if self.events is None else _event_types(self.events)
        every_ms = self.buffer.every_ms if isinstance(self.buffer, Every) else None
        return View(types, by_sentence=self.buffer == "sentence", every_ms=every_ms)


def view_of(fields: dict[str, Any]) -> View:
    """Return the view that the ``buffer`` and ``events`` among *fields* ask for.

    Raises:
        BadRequest: one of them is not of that form.
    """
    try:
        return ViewFields.model_validate(fields).view()
    except ValidationError as error:
        raise BadRequest(first_wrong(error)) from error


def view_of_query(buffer: str | None, events: list[str] | None) -> View:
    """Return the view that a GET asks for: ``buffer=sentence`` or ``buffer=100`` (ms), ``events=text,done``.

    The types may also come one by one: ``events=text&events=done``.

    Raises:
        BadRequest: one of them is not of that form.
    """
    how: Buffer | None = None
    if buffer == "sentence":
        how = "sentence"
    elif buffer is not None:
        try:
            how = Every(every_ms=int(buffer))
        except ValueError as error:
            msg = "buffer: must be sentence or a number of milliseconds from 1 to 10000."
            raise BadRequest(msg) from error
    return ViewFields(buffer=how, events=",".join(events).split(",") if events else None).view()


def _event_types(names: list[str]) -> frozenset[str]:
    if unknown := [name for name in names if name not in CLASSES]:
        msg = f"events: {shown(unknown[0])} is no event type; there are {', '.join(CLASSES)}."
        raise BadRequest(msg)
    return frozenset(names) | {"error"}
