"""Each guider's formula, by hand and as diffusers' own guider has it."""

from typing import Any

import pytest
import torch
from tests.painting.guidance.analytic import LineUNet, drawn, guiding, halves

from impasto.errors import UsageError
from impasto.painting.guidance import apg, auto, cfg, cfg_plus_plus, domain, interval, pag
from impasto.painting.guidance.conditions import Conditions
from impasto.painting.guidance.guiders import GUIDERS, check_guider, find_guider
from impasto.painting.guidance.record import parse_interval, write_interval

W = [3.0, 7.0]


def column(weights: list[float]) -> torch.Tensor:
    return torch.tensor(weights).view(-1, 1, 1, 1)


@pytest.mark.parametrize("away_tokens", [5, 2])
def test_cfg(away_tokens: int) -> None:
    from diffusers.guiders.classifier_free_guidance import ClassifierFreeGuidance

    latents, conditions = drawn(away_tokens=away_tokens)
    made = guiding(conditions, W)
    towards, away = halves(made, latents)
    ours = cfg.predictor(made)(latents, torch.tensor(500))
    assert torch.equal(ours, away + column(W) * (towards - away))
    for place, weight in enumerate(W):
        theirs = ClassifierFreeGuidance(guidance_scale=weight).forward(towards, away)
        torch.testing.assert_close(ours[place], theirs.pred[place])


def test_without_weights_one_side_is_asked() -> None:
    latents, conditions = drawn()
    for guider in (cfg, interval, apg, auto, domain, pag):
        made = guiding(Conditions(conditions.towards), None)
        towards, _ = halves(guiding(conditions, None), latents)
        assert torch.equal(guider.predictor(made)(latents, torch.tensor(500)), towards)


@pytest.mark.parametrize("away_tokens", [5, 2])
def test_interval_guides_between_its_shares_of_the_timesteps(away_tokens: int) -> None:
    from diffusers.guiders.classifier_free_guidance import ClassifierFreeGuidance

    latents, conditions = drawn(away_tokens=away_tokens)
    unet = LineUNet()
    made = guiding(conditions, W, unet=unet, interval=(0.2, 0.8))
    towards, away = halves(made, latents)
    predict, theirs = interval.predictor(made), ClassifierFreeGuidance(guidance_scale=3.0, start=0.2, stop=0.8)
    for timestep in (0, 199, 201, 500, 799, 801, 999):
        unet.asked.clear()
        ours = predict(latents, torch.tensor(timestep))
        inside = 200 <= timestep <= 800
        assert torch.equal(ours, away + column(W) * (towards - away) if inside else towards)
        assert unet.asked == [4 if inside else 2]
        theirs.set_state(999 - timestep, 1000, torch.tensor(timestep))  # its shares begin with the noise
        torch.testing.assert_close(ours[0], theirs.forward(towards, away).pred[0])


@pytest.mark.parametrize("guider", [auto, pag])
def test_away_from_a_worse_unet(guider: Any) -> None:
    from diffusers.guiders.auto_guidance import AutoGuidance
    from diffusers.guiders.perturbed_attention_guidance import PerturbedAttentionGuidance

    latents, conditions = drawn()
    unet, worse = LineUNet(), LineUNet(slope=0.9)
    made = guiding(Conditions(conditions.towards), W, unet=unet, worse=worse)
    towards, weaker = (conditions.tell_towards(one)(latents, torch.tensor(1)) for one in (unet, worse))
    ours = guider.predictor(made)(latents, torch.tensor(500))
    assert torch.equal(ours, weaker + column(W) * (towards - weaker))
    assert (unet.asked, worse.asked) == ([2, 2], [2, 2])
    theirs = (
        AutoGuidance(3.0, auto_guidance_layers=0, dropout=1.0).forward(towards, weaker)
        if guider is auto
        else PerturbedAttentionGuidance(1.0, 3.0, perturbed_guidance_layers=0).forward(towards, None, weaker)
    )
    torch.testing.assert_close(ours[0], theirs.pred[0])


@pytest.mark.parametrize("away_tokens", [5, 2])
def test_domain_leads_away_from_the_originals_negative_side(away_tokens: int) -> None:
    from diffusers.guiders.classifier_free_guidance import ClassifierFreeGuidance

    latents, conditions = drawn(away_tokens=away_tokens)
    unet, original = LineUNet(), LineUNet(slope=0.9)
    made = guiding(conditions, W, unet=unet, worse=original)
    towards, _ = halves(guiding(conditions, None, unet=LineUNet()), latents)
    _, away = halves(guiding(conditions, None, unet=LineUNet(slope=0.9)), latents)
    ours = domain.predictor(made)(latents, torch.tensor(500))
    assert torch.equal(ours, away + column(W) * (towards - away))
    assert (unet.asked, original.asked) == ([2], [2])
    torch.testing.assert_close(ours[0], ClassifierFreeGuidance(guidance_scale=W[0]).forward(towards, away).pred[0])
    # An original that has not moved makes it classifier-free guidance.
    same = guiding(conditions, W, unet=unet, worse=unet)
    assert torch.equal(domain.predictor(same)(latents, torch.tensor(500)), cfg.predictor(same)(latents, torch.tensor(500)))


def clean(prediction_type: str, x: torch.Tensor, prediction: torch.Tensor, alpha_bar: float) -> torch.Tensor:
    signal, noise = alpha_bar**0.5, (1 - alpha_bar) ** 0.5
    return signal * x - noise * prediction if prediction_type == "v_prediction" else (x - noise * prediction) / signal


@pytest.mark.parametrize("prediction_type", ["epsilon", "v_prediction"])
def test_apg_projects_clean_pictures(prediction_type: str) -> None:
    from diffusers.guiders.adaptive_projected_guidance import AdaptiveProjectedGuidance, MomentumBuffer

    latents, conditions = drawn()
    made = guiding(conditions, W, prediction_type=prediction_type)
    predict = apg.predictor(made)
    longest = apg.LONGEST * (4 * 6 * 6 / apg.LATENT_NUMBERS) ** 0.5
    theirs = AdaptiveProjectedGuidance(
        W[0] - 1, apg.MOMENTUM, longest, eta=apg.PARALLEL_SHARE, use_original_formulation=True
    )
    theirs.momentum_buffer = MomentumBuffer(apg.MOMENTUM)
    former: Any = 0
    for timestep, x in ((901, latents), (801, 0.9 * latents), (101, 0.5 * latents)):
        alpha_bar = float(made.scheduler.alphas_cumprod[timestep])
        towards, away = (clean(prediction_type, x, half, alpha_bar) for half in halves(made, x))
        ours = clean(prediction_type, x, predict(x, torch.tensor(timestep)), alpha_bar)
        # By hand, for the second picture.
        former = towards[1] - away[1] + apg.MOMENTUM * former
        step = former * min(1.0, longest / float(former.norm()))
        along = (step * towards[1]).sum() / towards[1].square().sum() * towards[1]
        torch.testing.assert_close(ours[1], towards[1] + (W[1] - 1) * (step - along), atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(ours[0], theirs.forward(towards, away).pred[0], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("sampler", ["ddim", "euler"])
@pytest.mark.parametrize("prediction_type", ["epsilon", "v_prediction"])
def test_cfg_plus_plus_renoises_with_the_negative(sampler: str, prediction_type: str) -> None:
    """Algorithm 2 of Chung et al. 2024, step by step: x_s = sqrt(a_s) clean(guided) + sqrt(1 - a_s) eps(negative)."""
    latents, conditions = drawn()
    made = guiding(conditions, [0.6, 1.0], sampler=sampler, prediction_type=prediction_type)
    scheduler, predict = made.scheduler, cfg_plus_plus.predictor(made)
    euler_sigmas = getattr(scheduler, "sigmas", None)
    for place, timestep in enumerate(scheduler.timesteps):
        x = latents if euler_sigmas is None else latents * (1 + euler_sigmas[place] ** 2).sqrt()
        seen = scheduler.scale_model_input(x, timestep)
        towards, away = halves(made, seen)
        if euler_sigmas is not None:
            now, then = (1 / (1 + float(euler_sigmas[k]) ** 2) for k in (place, place + 1))
        else:
            now, former = float(scheduler.alphas_cumprod[timestep]), int(timestep) - 100
            then = float(scheduler.alphas_cumprod[former] if former >= 0 else scheduler.final_alpha_cumprod)
        clean_towards, clean_away = (clean(prediction_type, seen, half, now) for half in (towards, away))
        guided = clean_away + column([0.6, 1.0]) * (clean_towards - clean_away)
        noise = (seen - now**0.5 * clean_away) / (1 - now) ** 0.5
        wanted = then**0.5 * guided + (1 - then) ** 0.5 * noise
        after = scheduler.step(predict(seen, timestep), timestep, x, return_dict=False)[0]
        after = after if euler_sigmas is None else after * then**0.5  # Euler's x is sqrt(1 + sigma^2) times as large
        torch.testing.assert_close(after, wanted, atol=2e-3, rtol=2e-3)


def test_refusals() -> None:
    settings: dict[str, Any] = {"guidance": 0.5, "sampler": "ddim", "negative": "", "eta": 0.0, "between": None}
    for name in GUIDERS:
        check_guider(name, **settings)
    for name, changed, words in (
        ("cgf", {}, "unknown guider 'cgf': use one of cfg, interval, auto, domain, apg, cfg\\+\\+, pag"),
        ("cfg++", {"sampler": "dpm++"}, "is defined for ddim and euler, not for dpm\\+\\+"),
        ("cfg++", {"eta": 0.5}, "leave eta at 0"),
        ("cfg++", {"guidance": 5.0}, "guidance 5: the guider cfg\\+\\+ takes 0 to 1, usually 0.6"),
        ("auto", {"negative": "storm"}, "no negative prompt"),
        ("pag", {"negative": "storm"}, "no negative prompt"),
        ("cfg", {"between": (0.2, 0.8)}, "for the guider interval only"),
        ("interval", {"between": (0.8, 0.2)}, "guidance interval 0.8,0.2: use two shares"),
    ):
        with pytest.raises(UsageError, match=words):
            check_guider(name, **{**settings, **changed})


def test_sides() -> None:
    assert [find_guider("cfg").sides(w) for w in (0.0, 1.0, 2.0)] == [(False, True), (True, False), (True, True)]
    assert [find_guider("auto").sides(w) for w in (0.0, 1.0)] == [(True, True), (True, False)]
    assert [find_guider("cfg++").sides(w) for w in (0.0, 1.0)] == [(True, True), (True, True)]


def test_intervals_as_text() -> None:
    assert parse_interval("0.2, 0.8") == (0.2, 0.8)
    assert parse_interval(write_interval((1 / 3, 0.8))) == (1 / 3, 0.8)
    for text in ("0.2", "0.2,0.8,1", "a,b", "0.8,0.2", "0,1.5", "nan,1"):
        with pytest.raises(UsageError, match="guidance interval"):
            parse_interval(text)
