"""What the tests of runs share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Databases
from tests.integration.stars import Stars


@pytest.fixture
def stars(databases: Databases, tmp_path: Path) -> Stars:
    """Run mappings on this test's own databases."""
    return Stars(databases, tmp_path)
