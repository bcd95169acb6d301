"""What a GPU does meanwhile, by recorded answers of NVML; and the reason where they do not tell."""

from __future__ import annotations

import pytest

from clipbench.bench.costing.gpu_watch import GpuUse, watch
from clipbench.bench.runs.measurement import NotMeasured
from tests.support.fake_nvml import FakeNvml, Gpu

GPM = {"SM_UTIL": 30.0, "SM_OCCUPANCY": 10.0, "ANY_TENSOR_UTIL": 5.0, "DRAM_BW_UTIL": 20.0}
#: NVML requires a tenth of a second between two samples of GPM.
SECONDS = 0.12


def test_the_share_that_is_filled_is_that_of_the_time_in_which_it_is_used():
    done: list[None] = []
    fake = FakeNvml(Gpu(rate=60, gpm=GPM))
    use = watch(lambda: done.append(None), fake, SECONDS)
    assert use == GpuUse(busy=0.6, sm_activity=0.3) and use.share == pytest.approx(0.5)
    assert done and (fake.open, fake.allocated) == (0, 0)


@pytest.mark.parametrize(
    ("fake", "reason"),
    [
        (FakeNvml(), "no GPU"),
        (FakeNvml(Gpu(gpm=None)), "Hopper"),
        (FakeNvml(Gpu(gpm={**GPM, "SM_UTIL": float("nan")})), "no number"),
    ],
)
def test_where_it_does_not_tell_the_reason_is_given(fake, reason):
    use = watch(lambda: None, fake, SECONDS)
    assert isinstance(use, NotMeasured) and reason in use.reason
    assert (fake.open, fake.allocated) == (0, 0)


def test_a_gpu_that_is_not_used_has_no_share():
    assert GpuUse(busy=0.0, sm_activity=0.0).share == 0.0
