"""Fixtures: one venue for all tests of a session, one account and desk for each test."""

import pytest

from desk import Desk
from exchange import Exchange


@pytest.fixture(scope="session")
def exchange():
    """A venue whose stock session never ends."""
    venue = Exchange(["--always-open", "--seed", "42"])
    yield venue
    assert venue.stop() == 0


@pytest.fixture
def desk(exchange):
    """A fresh account whose trade stream is heard; at the end all its books must agree."""
    user = Desk(exchange).open()
    yield user
    user.close()
