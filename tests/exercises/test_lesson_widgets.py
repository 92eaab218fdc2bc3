"""The widgets that stand in lessons: each callback is run once, as moving it by hand would."""

from __future__ import annotations

import pandas as pd


def through(explorer) -> list[str]:
    """Move a slider over all its options; what it says at each."""
    sentences = []
    for option in [each[1] if isinstance(each, tuple) else each for each in explorer.children[0].options]:
        explorer.children[0].value = option
        assert explorer.value == option
        sentences.append(explorer.sentence)
    return sentences


def test_the_slider_of_feature_extraction_tells_all_three_descriptions():
    from tlwidgets.exercises.experiments.feature_extraction import explore_labels

    curve = pd.DataFrame({"pixels": [0.11, 0.12], "random": [0.31, 0.32], "pretrained": [0.51, 0.52]}, index=[1, 20])
    first, last = through(explore_labels(curve))
    assert first.startswith("1 labelled scraps")
    assert all(number in last for number in ("20", "12", "32", "52"))


def test_the_slider_of_the_freeze_board_tells_what_learns():
    from tlwidgets.exercises.experiments.freeze_board import explore_plans

    table = pd.DataFrame({"learns": [772, 2578], "accuracy": [0.4, 0.97]}, index=["nothing", "stem"])
    first, last = through(explore_plans(table))
    assert first.startswith("Head and nothing learn: 772 numbers")
    assert "2,578" in last
    assert "97" in last


def test_the_slider_of_looking_inside_tells_every_network():
    from tlwidgets.exercises.experiments.looking_inside import explore_stages

    table = pd.DataFrame({"pen": [0.6, 0.9], "random": [0.4, 0.5]}, index=["stem", "stage4"])
    first, last = through(explore_stages(table))
    assert first.endswith("pen 60, random 40.")
    assert last.startswith("stage4")
    assert "pen 90" in last


def test_the_slider_of_learning_rates_tells_what_is_remembered():
    from tlwidgets.exercises.experiments.learning_rates import explore_rates

    table = pd.DataFrame({"scratch": [0.6, 0.5], "transfer": [0.9, 0.7], "remembered": [0.5, 0.2]}, index=[1e-3, 0.1])
    first, last = through(explore_rates(table))
    assert first.startswith("Rate 0.001: of 100 new digits scratch reads 60, transfer 90")
    assert last.endswith("still tell 20.")


def test_the_slider_of_small_data_tells_both_results():
    from tlwidgets.exercises.experiments.small_data import explore_shuffles

    first, last = through(explore_shuffles(pd.DataFrame({"single": [0.85, 1.0], "folds": [0.9, 0.91]}, index=[0, 19])))
    assert first == "Shuffle 0: of 100, a single split says 85, five folds say 90."
    assert last.startswith("Shuffle 19")


def test_the_slider_of_negative_transfer_tells_all_three_starts(monkeypatch):
    from tlwidgets.exercises.experiments import negative_transfer

    def found(steps: int) -> dict[str, float]:
        return {"target only": 0.7, "old head": 0.3 + steps / 1000, "new head": 0.8}

    monkeypatch.setattr(negative_transfer, "three_starts", found)
    first, last = through(negative_transfer.explore_starts([20, 400]))
    assert first == "After 20 steps: of 100 new digits, target only reads 70, the old head 32, the new head 80."
    assert "the old head 70" in last


def test_the_slider_of_choosing_tells_both_jobs():
    from tlwidgets.exercises.experiments.choosing import explore_networks

    table = pd.DataFrame({"digits": [0.25, 0.2], "scraps": [-0.05, -0.14]}, index=["all-round", "pen"])
    first, last = through(explore_networks(table))
    assert first == "all-round: LogME 0.25 on digits, -0.05 on scraps."
    assert last.startswith("pen: LogME 0.20")


def test_the_slider_of_domain_adaptation_tells_all_three_ways():
    from tlwidgets.exercises.experiments.domain_adaptation import explore_shifts

    curve = pd.DataFrame({"as they are": [0.93, 0.62], "CORAL": [0.92, 0.8], "own numbers": [0.94, 0.95]}, [0.0, 1.0])
    first, last = through(explore_shifts(curve))
    assert first == "Sensor changed by 0: of 100 new digits, as they are 93, CORAL 92, own numbers 94."
    assert last.startswith("Sensor changed by 1")
    assert "own numbers 95" in last


def test_the_slider_of_few_shot_tells_one_example_from_five():
    from tlwidgets.exercises.experiments.few_shot import explore_ways

    first, last = through(explore_ways(pd.DataFrame({"one": [0.97, 0.76], "five": [0.99, 0.93]}, index=[2, 20])))
    assert first == "2 signs: of 100 pictures 50 are right by guessing, 97 with one example of each sign, 99 with five."
    assert last.startswith("20 signs: of 100 pictures 5 are right by guessing, 76")


def test_the_slider_of_multi_task_tells_both_errors():
    from tlwidgets.exercises.experiments.multi_task import explore_sharing

    first, last = through(explore_sharing(pd.DataFrame({"alone": [1.2, 1.1], "together": [2.8, 0.33]}, index=[0, 1])))
    assert first == "At 0 of 100 stands the same causes count: error 1.20 alone, 2.80 together."
    assert last.startswith("At 100 of 100 stands")


def test_the_slider_of_meta_learning_tells_every_start():
    from tlwidgets.exercises.experiments.meta_learning import explore_steps

    first, last = through(explore_steps(pd.DataFrame({"joint": [2.5, 2.0], "reptile": [1.1, 0.6]}, index=[2, 16])))
    assert first == "After 2 steps: error joint 2.5, reptile 1.1."
    assert last.startswith("After 16 steps: error joint 2.0")


def test_the_slider_of_the_capstone_tells_what_covering_does():
    from types import SimpleNamespace

    from tlwidgets.exercises.experiments.capstone import explore_explanations
    from tlwidgets.explain import Faithfulness

    said = SimpleNamespace(predicted="town")
    pictures = {"picture 1": (said, Faithfulness(0.9, 0.2, 0.8)), "picture 2": (said, Faithfulness(0.9, 0.8, 0.8))}
    first, last = through(explore_explanations(pictures))
    assert first.startswith("picture 1, taken for town. Covering what it names takes the answer from 90% to 20%")
    assert "does not show" in last


def test_the_slider_of_semi_supervised_tells_both_readers():
    from tlwidgets.exercises.experiments.semi_supervised import explore_labels

    table = pd.DataFrame({"labels alone": [0.61, 0.91], "spreading": [0.72, 0.93]}, index=[1, 20])
    first, last = through(explore_labels(table))
    assert first.startswith("1 labelled scans")
    assert all(number in first for number in ("61", "72"))
    assert last.endswith("91 are named by the labels alone, 93 by spreading.")


def test_the_slider_of_self_supervised_tells_all_three_descriptions():
    from tlwidgets.exercises.experiments.self_supervised import explore_labels

    table = pd.DataFrame({"pixels": [0.11, 0.12], "random": [0.31, 0.32], "pretrained": [0.51, 0.52]}, index=[2, 20])
    first, last = through(explore_labels(table))
    assert first.startswith("2 labelled canvases")
    assert all(number in last for number in ("20", "12", "32", "52"))
