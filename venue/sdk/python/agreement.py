"""Whether what an SDK parsed is what the venue said, field by field."""

import re
from datetime import date, datetime, timezone
from decimal import Decimal
from enum import Enum
from uuid import UUID

from pydantic import BaseModel


def assert_agrees(parsed, said, ignore=(), path=""):
    """Compares every member that both have; a model that shares none with the JSON is an error."""
    if isinstance(parsed, BaseModel):
        shared = 0
        for name, field in type(parsed).model_fields.items():
            key = field.alias if field.alias in said else name
            if key not in said or key in ignore:
                continue
            shared += 1
            assert_agrees(getattr(parsed, name), said[key], ignore, f"{path}.{name}")
        assert shared > 0, f"{path}: nothing in common with {said}"
    elif isinstance(parsed, list):
        assert len(parsed) == len(said or []), f"{path}: {len(parsed)} parsed, {said}"
        for index, (one, other) in enumerate(zip(parsed, said or [])):
            assert_agrees(one, other, ignore, f"{path}[{index}]")
    else:
        assert same(parsed, said), f"{path}: the SDK read {parsed!r}, the venue said {said!r}"


def same(parsed, said):
    """Whether a single value is the one on the wire."""
    if isinstance(parsed, Enum):
        # alpaca-py turns the empty class of a plain order into this name.
        return parsed.value == said or (parsed.value == "simple" and said == "")
    if isinstance(parsed, UUID):
        return str(parsed) == said
    if isinstance(parsed, datetime):
        return microseconds(parsed) == microseconds(moment(said))
    if isinstance(parsed, date):
        return parsed.isoformat() == said
    if isinstance(parsed, bool) or parsed is None:
        return parsed is said
    if isinstance(parsed, (int, float)):
        return Decimal(str(parsed)) == Decimal(str(said))
    return parsed == said


def moment(text):
    """A time of the wire; what is finer than a microsecond falls away, as in alpaca-py."""
    match = re.fullmatch(r"(.*T\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)", text)
    assert match, f"{text!r} is no RFC 3339 time"
    seconds, fraction, zone = match.groups()
    fraction = ((fraction or ".")[1:] + "000000")[:6]
    zone = "+00:00" if zone == "Z" else zone
    return datetime.fromisoformat(f"{seconds}.{fraction}{zone}")


def microseconds(time):
    """Microseconds since 1970; a time without a zone is UTC."""
    zoned = time if time.tzinfo else time.replace(tzinfo=timezone.utc)
    since = zoned - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
