"""For all tests: what a run records stays out of the user's own folder."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    before = os.environ.get("POSTIL_DATA_DIR")
    os.environ["POSTIL_DATA_DIR"] = str(tmp_path_factory.mktemp("data"))
    yield
    if before is None:
        del os.environ["POSTIL_DATA_DIR"]
    else:
        os.environ["POSTIL_DATA_DIR"] = before
