"""The line that says how a training goes, and the one that says its choices."""

from dataclasses import asdict

from impasto.cli.train.line import TrainingLine, choices_line
from impasto.training.methods.fine_tuning_choices import FineTuning


def test_a_step_is_told_smoothly_with_the_time_left() -> None:
    now = [0.0]
    line = TrainingLine(lambda: now[0])
    assert line.text("encoding pictures", 0.9, {}) == "encoding pictures"
    step = {"gradient": 9.0, "error_1": 0.3, "learning_rate": 1e-4}
    first = line.text("step 1", 0.01, {"loss": 0.4, "pictures_per_second": 8.0, **step})
    assert first == "step 1  loss 0.4  rate 0.0001  8 pictures/s"
    now[0] = 10.0
    second = line.text("step 2", 0.02, {"loss": 0.2, "pictures_per_second": 2.0, "validation": 0.25, **step})
    # Two batches of the same size at 8 and at 2 pictures a second: 3.2 on the whole; a hundredth of it took 10 s.
    assert second == "step 2  loss 0.3  rate 0.0001  3.2 pictures/s  16:20 left  validation 0.25"
    now[0] = 3600.0
    assert line.text("step 3", 0.26, {"loss": 0.6}) == "step 3  loss 0.4  2:57:36 left  validation 0.25"


def test_recipes_with_losses_of_other_names_tell_them_all() -> None:
    line = TrainingLine()
    figures = {"perceptual": 0.5, "adversary": 1.0, "seconds": 3.0}
    assert line.text("step 1", 0.0, figures) == "step 1  perceptual 0.5  adversary 1"


def test_what_was_given_stands_before_what_is_the_recipe_s() -> None:
    told = choices_line(asdict(FineTuning(batch=7)), {"batch", "catalogue"})
    assert told.startswith("given: batch=7; the recipe's: trained=unet ") and told.count("batch=") == 1
    assert choices_line(asdict(FineTuning()), ()).startswith("the recipe's: trained=unet")
