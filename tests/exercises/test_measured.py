from __future__ import annotations

from tlwidgets.exercises.experiments.measured import remembered
from tlwidgets.exercises.experiments.texts import reviews, texts


def test_a_default_that_is_spelled_out_is_the_same_call():
    calls = []

    @remembered
    def measure(what: str, seed: int = 0, *, pretrained: bool = True) -> tuple[str, int, bool]:
        calls.append(what)
        return what, seed, pretrained

    found = measure("a")
    assert measure("a", 0) is measure(what="a", seed=0, pretrained=True) is found
    assert calls == ["a"]
    assert measure("a", pretrained=False) == ("a", 0, False)
    assert calls == ["a", "a"]
    assert measure.__name__ == "measure"


def test_a_lesson_loads_its_texts_once():
    assert reviews("films") is reviews(domain="films")
    assert texts("films") is texts(what="films")
