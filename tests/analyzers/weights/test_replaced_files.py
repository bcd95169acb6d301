"""A number must come from the model that the report names: no analyzer loads another file in its place."""

from __future__ import annotations

import pytest

from clipbench.analyzers import registry, weights

USES = [(name, model) for name, cls in registry.discover().items() for model in cls().models()]


def test_most_analyzers_have_models():
    assert len({name for name, _ in USES}) >= 14


@pytest.mark.parametrize(("name", "model"), USES)
def test_a_replaced_file_is_refused(name, model, tmp_path, monkeypatch):
    original = weights.Card.path
    wrong = tmp_path / weights.card(model).path().name
    other = "iris" if model != "iris" else "selfie"
    wrong.write_bytes(original(weights.card(other)).read_bytes())
    monkeypatch.setattr(weights.Card, "path", lambda card: wrong if card.name == model else original(card))
    analyzer = registry.discover()[name]()
    with pytest.raises(weights.ModelError, match=model):
        analyzer.load()
