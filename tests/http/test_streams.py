"""Pipelined streams, cut anywhere."""

import pytest

from tests.http.streams import fuzz


@pytest.mark.parametrize("seed", range(4))
async def test_every_reply_is_right_and_in_its_place(seed: int) -> None:
    assert await fuzz(seed, whole_cuts=1, random_streams=60) > 1000
