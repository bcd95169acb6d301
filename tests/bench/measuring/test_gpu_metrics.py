"""Numbers from GPU telemetry, on series whose right answer is plain."""

from __future__ import annotations

from clipbench.bench.measuring import gpu_metrics as gm
from clipbench.bench.runs.measurement import Measured, NotMeasured
from clipbench.bench.runs.telemetry import GpuSeries, GpusTelemetry, GpuTelemetry, Telemetry
from clipbench.executors.base import Span


def track(*pairs: tuple[float, object]) -> GpuSeries:
    return GpuSeries([t for t, _ in pairs], [v for _, v in pairs])


def gpu(index: int = 0, reasons: dict[str, str] | None = None, mig: bool = False, **figures) -> GpuTelemetry:
    return GpuTelemetry(index=index, mig=mig, figures=figures, reasons=reasons or {})


def sampled(gpus: GpusTelemetry | NotMeasured) -> Telemetry:
    return Telemetry(times_s=[], cpu_percent=[], rss_bytes=[], gpu=gpus)


def telemetry(*devices: GpuTelemetry) -> Telemetry:
    return sampled(GpusTelemetry(devices=list(devices)))


def steady(value: float, until: float = 20.0, every: float = 0.5) -> GpuSeries:
    """A figure with one value from 0 to `until`."""
    return track((0.0, None), *((n * every, value) for n in range(1, int(until / every) + 1)))


def test_the_analysis_window_leaves_loading_and_decoding_out():
    spans = [
        Span("main", "", "decode", 0, 1),
        Span("w0", "a", "load", 1, 4),
        Span("w0", "a", "analyze", 4, 6),
        Span("w1", "b", "analyze", 5, 9),
        Span("main", "", "decode", 10, 11),
        Span("w0", "a", "analyze", 11, 12),
        Span("w0", "", "cleanup", 13, 14),
    ]
    assert gm.analysis_windows(spans, [(0, 9.5), (10, 12.5)]) == [(4, 9), (11, 12)]
    assert gm.analysis_windows(spans, [(10, 12.5)]) == [(11, 12)]
    assert gm.analysis_windows(spans, [(20, 30)]) == []


def test_clips_in_flight_at_once_are_one_window():
    assert gm.merged([(5, 8), (1, 4), (3, 6), (9, 10)]) == [(1, 8), (9, 10)]


def test_a_sample_counts_by_its_time_within_the_window():
    """Busy from 2 to 3 of samples (1, 2], (2, 3], (3, 5]; the window is 1.5 to 4."""
    series = telemetry(gpu(utilization_percent=track((1, None), (2, 0.0), (3, 100.0), (5, 50.0))))
    figure = gm.gpu_utilization(series, [(1.5, 4.0)])
    assert figure.value == (0 * 0.5 + 100 * 1 + 50 * 1) / 2.5


def test_utilization_outside_the_windows_does_not_count():
    busy = track((0, None), (1, 100.0), (2, 100.0), (3, 10.0), (4, 10.0), (5, 30.0), (6, 100.0))
    figure = gm.gpu_utilization(telemetry(gpu(utilization_percent=busy)), [(2, 4), (4, 5)])
    assert figure.samples == (10.0, 30.0)
    assert abs(figure.value - 50 / 3) < 1e-9


def test_the_mean_of_the_devices_that_were_used():
    series = telemetry(*(gpu(n, utilization_percent=steady(p)) for n, p in enumerate((90.0, 70.0, 0.0))))
    assert gm.gpu_utilization(series, [(1, 9)], used={0, 1}) == Measured(80.0, (80.0,))
    assert gm.gpu_utilization(series, [(1, 9)]).value == 160 / 3


def test_devices_are_told_apart_as_the_plan_numbers_them():
    """With CUDA_VISIBLE_DEVICES=5 the plan says gpu:5, which is the first that the process sees."""
    series = telemetry(gpu(5, utilization_percent=steady(90.0)))
    assert gm.gpu_utilization(series, [(1, 9)], used={5}) == Measured(90.0, (90.0,))
    assert "not show every GPU" in gm.gpu_utilization(series, [(1, 9)], used={0}).reason


def test_an_empty_buffer_falls_back_on_the_readings_of_the_moment():
    device = gpu(
        reasons={"utilization_percent": "no sample"}, utilization_rate_percent=steady(55.0, every=1.0)
    )
    assert gm.gpu_utilization(telemetry(device), [(2, 8)]).value == 55.0


def test_a_window_that_samples_hardly_cover_is_not_measured():
    figure = gm.gpu_utilization(telemetry(gpu(utilization_percent=steady(90.0, until=5))), [(3, 9)])
    assert "33 % of the window" in figure.reason


def test_a_gap_in_the_buffer_is_not_filled():
    """A driver's sample speaks for two seconds at most; GPM's for all the time between its readings."""
    gap = track((0, None), (1, 90.0), (9, 90.0), (10, 90.0))
    assert isinstance(gm.gpu_utilization(telemetry(gpu(utilization_percent=gap)), [(0, 10)]), NotMeasured)
    assert gm.sm_activity(telemetry(gpu(sm_activity_percent=gap)), [(0, 10)]).value == 90.0


def test_sm_activity_and_why_there_is_none():
    series = telemetry(gpu(sm_activity_percent=steady(33.0), tensor_activity_percent=steady(8.0)))
    assert gm.sm_activity(series, [(1, 9)]).value == 33.0
    assert gm.activity(series, "tensor_activity_percent", [(1, 9)]).value == 8.0
    old = telemetry(gpu(1, reasons={"sm_activity_percent": "this GPU has no GPM"}))
    assert gm.sm_activity(old, [(1, 9)]) == NotMeasured("GPU 1: this GPU has no GPM")


MEMORY = track((1, 2e9), (2, 2.5e9), (4, 30e9), (5, 20e9), (7, 3.1e9), (8, 2.6e9), (9, 1.0e9))


def test_memory_above_what_was_in_use_before():
    series = telemetry(gpu(memory_used_bytes=MEMORY))
    assert gm.gpu_memory_peak(series, 3, 6).value == 27.5
    assert gm.gpu_memory_peak(series, 4.5, 6).value == 0, "before is the last sample before the executor"
    assert abs(gm.gpu_memory_residue(series, 3, 6.5, 8.5).value - 0.1) < 1e-9
    assert abs(gm.gpu_memory_residue(series, 3, 6.5, 7.5).value - 0.6) < 1e-9
    assert gm.gpu_memory_residue(series, 3, 6.5).value == 0, "less than before is nobody's residue"


def test_memory_of_the_device_on_which_it_is_most():
    other = track((1, 0.0), (5, 1e9), (8, 1e9))
    series = telemetry(gpu(0, memory_used_bytes=MEMORY), gpu(1, memory_used_bytes=other))
    assert gm.gpu_memory_peak(series, 3, 6) == Measured(27.5)
    assert gm.gpu_memory_peak(series, 3, 6, used={1}) == Measured(1.0)
    assert gm.gpu_memory_residue(series, 3, 6.5, 8.5).value == 1.0


def test_memory_without_a_sample_before_or_after_is_not_measured():
    series = telemetry(gpu(memory_used_bytes=MEMORY))
    assert "before the run" in gm.gpu_memory_peak(series, 0.5, 6).reason
    assert "in the window" in gm.gpu_memory_residue(series, 3, 20).reason
    refused = telemetry(gpu(reasons={"memory_used_bytes": "NVML: GPU is lost"}))
    assert gm.gpu_memory_peak(refused, 3, 6) == NotMeasured("GPU 0: NVML: GPU is lost")


def test_energy_between_the_samples_of_the_counter():
    series = telemetry(
        gpu(0, energy_j=track((0, 1000.0), (10, 2000.0))), gpu(1, energy_j=track((0, 0.0), (10, 500.0)))
    )
    assert gm.energy_per_clip(series, [(2, 4), (5, 7)], clips=2).value == (400 + 200) / 2
    assert gm.energy_per_clip(series, [(2, 4)], clips=1, used={1}).value == 100
    assert "too few samples" in gm.energy_per_clip(series, [(8, 12)], clips=1).reason


def test_energy_of_a_card_that_is_shared_is_not_measured():
    figure = gm.energy_per_clip(telemetry(gpu(mig=True, energy_j=steady(5.0))), [(1, 2)], 1)
    assert "MIG" in figure.reason


def test_what_was_not_measured_is_none_with_the_reason():
    for call in (
        lambda series, used: gm.gpu_utilization(series, [(1, 2)], used),
        lambda series, used: gm.sm_activity(series, [(1, 2)], used),
        lambda series, used: gm.gpu_memory_peak(series, 1, 2, used),
        lambda series, used: gm.gpu_memory_residue(series, 1, 2, used=used),
        lambda series, used: gm.energy_per_clip(series, [(1, 2)], 1, used),
    ):
        assert call(NotMeasured("the sampler failed"), {0}) == NotMeasured("the sampler failed")
        assert call(sampled(NotMeasured("no NVIDIA driver")), {0}) == NotMeasured("no NVIDIA driver")
        assert call(telemetry(gpu()), set()) == NotMeasured("no worker of this run was on a GPU")
        assert "not show every GPU" in call(telemetry(gpu()), {3}).reason
        assert call(telemetry(gpu()), {0}).reason
    assert gm.gpu_utilization(telemetry(gpu()), []).reason == "no repeat was measured"
