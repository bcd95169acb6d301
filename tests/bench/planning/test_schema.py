"""The schema of the configuration has the analyzers that there are, whatever was composed before."""

from __future__ import annotations

from clipbench.bench.planning import config
from tests.support.fake_plans import use_fakes


def test_it_follows_the_plugins_and_is_made_once_for_the_same(monkeypatch):
    own = config.schema()
    assert config.schema() is own
    for _ in range(2):
        assert not hasattr(config.compose().models, "steady")
        with monkeypatch.context() as with_fakes:
            use_fakes(with_fakes)
            for _ in range(2):
                assert config.compose("models.sleeper.seconds=2").models.sleeper.seconds == 2
                assert config.schema() is not own
    assert config.schema() is own
