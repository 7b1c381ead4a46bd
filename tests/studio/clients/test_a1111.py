"""`/sdapi/v1`, asked by the real client webuiapi, and with the quirks of other clients."""

import base64
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import webuiapi
from PIL import Image, ImageDraw
from tests.studio.clients.conftest import SIDE, Served, serving

from impasto.painting.foreign.a1111 import parse_parameters
from impasto.queue.records import State

TOKEN = "a secret of sixteen or more"
LONG = {"steps": 900, "width": 128, "height": 128}  # long enough to be seen


@pytest.fixture(scope="module")
def api(served: Served) -> webuiapi.WebUIApi:
    return webuiapi.WebUIApi(port=served.port, sampler="Euler a", steps=2)


@pytest.fixture
def url(served: Served) -> str:
    return f"{served.address}/sdapi/v1"


@pytest.fixture(scope="module")
def painted(api: webuiapi.WebUIApi) -> webuiapi.WebUIApiResult:
    return api.txt2img(prompt="boats at sunset", negative_prompt="people", seed=7, n_iter=2, width=64, height=64)


def picture(side: int = SIDE, colour: str = "navy") -> Image.Image:
    image = Image.new("RGB", (side, side), colour)
    ImageDraw.Draw(image).ellipse((8, 8, side // 2, side // 2), fill="orange")
    return image


def text(image: Image.Image) -> str:
    file = io.BytesIO()
    image.save(file, format="PNG")
    return base64.b64encode(file.getvalue()).decode()


def test_words_become_pictures_that_tell_how_they_were_made(painted: webuiapi.WebUIApiResult, served: Served) -> None:
    assert [one.size for one in painted.images] == [(64, 64), (64, 64)]
    info = painted.info
    assert (info["seed"], info["all_seeds"], info["width"], info["steps"]) == (7, [7, 8], 64, 2)
    assert info["sampler_name"] == "Euler a" and info["cfg_scale"] == 7 and info["index_of_first_image"] == 0
    for image, infotext in zip(painted.images, info["infotexts"], strict=True):
        assert image.info["parameters"] == infotext
        read = parse_parameters(infotext)
        assert (read.prompt, read.negative, read.steps) == ("boats at sunset", "people", 2)
    assert info["impasto"] == {**info["impasto"], "ignored": [], "notes": []}
    assert [served.studio.gallery.entry(one).prompt for one in info["impasto"]["pictures"]] == ["boats at sunset"] * 2
    assert painted.parameters["prompt"] == "boats at sunset"


def test_the_same_request_gives_the_same_picture(painted: webuiapi.WebUIApiResult, api: webuiapi.WebUIApi) -> None:
    again = api.txt2img(prompt="boats at sunset", negative_prompt="people", seed=8, width=64, height=64)
    assert again.image.tobytes() == painted.images[1].tobytes()


def test_a_size_that_the_checkpoint_cannot_paint_is_fitted_and_told(api: webuiapi.WebUIApi) -> None:
    made = api.txt2img(prompt="a mill", width=1024, height=512)
    assert made.image.size == (88, 64) and (made.info["width"], made.info["height"]) == (88, 64)
    assert made.info["impasto"]["notes"] == ["painted at 88x64, which the checkpoint can paint, for 1024x512"]


def test_what_the_studio_has_not_is_named(api: webuiapi.WebUIApi, url: str) -> None:
    made = api.txt2img(
        prompt="a mill", width=64, height=64, enable_hr=True, tiling=True, subseed_strength=0.5, styles=["gone"],
        scheduler="karras",
        sampler_name="DPM++ 2M Karras", override_settings={"sd_vae": "other", "x": 1},
        alwayson_scripts={"ControlNet": {"args": [{"enabled": True}]}, "ADetailer": {"args": [False]}},
    )  # fmt: skip
    told = made.info["impasto"]
    for name in (
        "enable_hr",
        "tiling",
        "subseed_strength",
        "override_settings.sd_vae",
        "override_settings.x",
        "alwayson_scripts",
    ):
        assert name in told["ignored"]
    assert any("karras" in note for note in told["notes"]) and any("no style 'gone'" in note for note in told["notes"])
    assert made.info["sampler_name"] == "DPM++ 2M"
    unknown = requests.post(
        f"{url}/txt2img", json={"prompt": "a", "steps": 1, "width": 64, "height": 64, "url": "x", "new": 3}
    )
    assert json.loads(unknown.json()["info"])["impasto"]["ignored"] == ["url", "new"]


def test_a_picture_is_painted_over(api: webuiapi.WebUIApi, served: Served) -> None:
    made = api.img2img(images=[picture()], prompt="a mill", denoising_strength=0.5, seed=3, width=64, height=64, steps=4)
    assert made.image.size == (64, 64) and made.info["denoising_strength"] == 0.5
    assert "Denoising strength: 0.5" in made.info["infotexts"][0]
    assert made.parameters["init_images"] is None


@pytest.mark.parametrize("whole", [False, True])
def test_a_part_is_painted_anew_and_the_rest_is_kept(whole: bool, api: webuiapi.WebUIApi) -> None:
    source, mask = picture(96), Image.new("L", (96, 96))
    ImageDraw.Draw(mask).rectangle((40, 40, 80, 80), fill=255)
    made = api.img2img(
        images=[source], mask_image=mask, prompt="a mill", seed=3, width=96, height=96, steps=4, inpainting_fill=1,
        inpaint_full_res=not whole, inpaint_full_res_padding=8,
    ).image.convert("RGB")  # fmt: skip
    assert made.size == (96, 96)
    outside = [(x, y) for x in range(0, 96, 5) for y in range(0, 36, 5)]
    assert all(made.getpixel(place) == source.getpixel(place) for place in outside)
    assert made.crop((45, 45, 75, 75)).tobytes() != source.crop((45, 45, 75, 75)).tobytes()


def test_the_alpha_of_a_mask_and_an_inverted_mask(api: webuiapi.WebUIApi) -> None:
    mask = Image.new("RGBA", (64, 64), (255, 255, 255, 0))
    mask.paste((0, 0, 0, 255), (0, 0, 64, 32))
    how = {"images": [picture()], "mask_image": mask, "prompt": "a", "seed": 3, "steps": 2, "inpaint_full_res": False}
    made = api.img2img(**how, width=64, height=64).image.convert("RGB")
    assert made.crop((0, 34, 64, 64)).tobytes() == picture().crop((0, 34, 64, 64)).tobytes()
    other = api.img2img(**how, width=64, height=64, inpainting_mask_invert=1).image.convert("RGB")
    assert other.crop((0, 0, 64, 30)).tobytes() == picture().crop((0, 0, 64, 30)).tobytes()


def test_a_record_is_read_back(painted: webuiapi.WebUIApiResult, api: webuiapi.WebUIApi, url: str) -> None:
    told = api.png_info(painted.images[0])
    assert told.info == painted.info["infotexts"][0]
    assert (
        told.parameters["Seed"] == 7 and told.parameters["Prompt"] == "boats at sunset" and told.parameters["Size-1"] == 64
    )
    assert requests.post(f"{url}/png-info", json={"image": text(picture())}).json() == {
        "info": "",
        "items": {},
        "parameters": {},
    }


@pytest.fixture
def painting(api: webuiapi.WebUIApi) -> Iterator[Callable[..., Any]]:
    """Asks for pictures in a thread, and waits until the first is being painted; returns what gives the answer."""
    threads = []

    def begin(**fields: Any) -> Callable[[], Any]:
        found: list[Any] = []
        asked = {"prompt": "boats", "seed": 1, **LONG, **fields}
        thread = threading.Thread(target=lambda: found.append(api.txt2img(**asked)))
        threads.append(thread)
        thread.start()
        assert until(lambda: api.get_progress()["state"]["sampling_step"] > 0)

        def answer() -> Any:
            thread.join(120)
            return found[0]

        return answer

    yield begin
    for thread in threads:
        thread.join(120)


def until(true: Callable[[], Any], seconds: float = 120) -> Any:
    for _ in range(int(seconds / 0.02)):
        if found := true():
            return found
        time.sleep(0.02)
    return None


def test_progress_is_told_and_interrupt_ends_the_request(
    painting: Callable[..., Any], api: webuiapi.WebUIApi, served: Served, url: str
) -> None:
    assert api.get_progress() == {**api.get_progress(), "progress": 0.0, "current_image": None}
    assert api.get_progress()["state"]["job_count"] == 0
    answer = painting(n_iter=2)
    told = until(lambda: (one := api.get_progress())["current_image"] and one)
    assert 0 < told["progress"] < 1 and told["state"]["job_count"] == 2 and told["state"]["sampling_steps"] == 900
    assert Image.open(io.BytesIO(base64.b64decode(told["current_image"]))).format == "PNG"
    assert requests.get(f"{url}/progress?skip_current_image=true").json()["current_image"] is None
    assert api.interrupt() == {}
    made = answer()
    assert made.images == [] and "interrupted: 2 of 2 pictures are not painted" in made.info["impasto"]["notes"]
    assert served.studio.queue.counts().running == 0 and api.get_progress()["state"]["job_count"] == 0


def test_skip_leaves_out_one_picture(painting: Callable[..., Any], api: webuiapi.WebUIApi, served: Served) -> None:
    waiting = served.studio.queue.counts().cancelled
    answer = painting(n_iter=2, steps=250, width=64, height=64)
    assert api.skip() is None
    made = answer()
    assert made.info["all_seeds"] == [2] and "skipped: 1 of 2 pictures are not painted" in made.info["impasto"]["notes"]
    assert served.studio.queue.counts().cancelled == waiting + 1


def test_interrupt_touches_no_other_job(api: webuiapi.WebUIApi, served: Served, url: str) -> None:
    from impasto.jobs.painting.paint import PaintJob

    other = served.studio.queue.add(PaintJob(prompt="boats", steps=100), origin="cli")
    headers = {"content-type": "application/json"}
    assert requests.post(f"{url}/interrupt", headers=headers).json() == {}  # Auto-Photoshop: JSON, and no body
    assert until(lambda: served.studio.queue.job(other.id).state is State.DONE)


def test_options_are_read_and_posted_back_whole(api: webuiapi.WebUIApi, served: Served, url: str) -> None:
    options = api.get_options()
    assert options["sd_model_checkpoint"] == "pocket" and api.set_options(options) is None
    assert api.set_options({**options, "sd_vae": "other", "new": 1}) == {"ignored": ["sd_vae", "new"]}
    wrong = requests.post(f"{url}/options", json={"sd_model_checkpoint": "../../etc"})
    assert wrong.status_code == 422 and "is no checkpoint" in wrong.json()["detail"]
    run = served.studio.workspace.place("runs") / "mine" / "checkpoint"
    run.mkdir(parents=True)
    (run / "model_index.json").write_text("{}")
    assert api.util_get_model_names() == ["pocket", "run:mine"]
    api.util_set_model("run:mine")
    assert api.util_get_current_model() == "run:mine"
    api.util_set_model("pocket")


def test_lists(api: webuiapi.WebUIApi, served: Served) -> None:
    assert "Euler a" in api.util_get_sampler_names() and api.util_get_scheduler_names() == ["automatic"]
    assert [one["name"] for one in api.get_upscalers()] == ["None", "pocket-upscaler"]
    assert api.get_loras() == [] and api.get_sd_vae() == [] and api.get_embeddings()["loaded"] == {}
    (served.studio.workspace.folder / "styles.csv").write_text(
        'name,prompt,negative_prompt\nfog,"{prompt}, in fog",sun\n', encoding="utf-8-sig"
    )
    assert api.get_prompt_styles() == [{"name": "fog", "prompt": "{prompt}, in fog", "negative_prompt": "sun"}]
    made = api.txt2img(prompt="a mill", styles=["fog"], width=64, height=64)
    assert made.info["prompt"] == "a mill, in fog" and made.info["negative_prompt"] == "sun"
    assert api.get_memory()["ram"]["total"] > 0 and api.get_cmd_flags()["api"] is True
    assert str(served.studio.workspace.folder) not in json.dumps(
        [api.get_sd_models(), api.get_cmd_flags(), api.get_options()]
    )
    for call in (api.get_scripts, api.get_hypernetworks, api.get_face_restorers, api.get_latent_upscale_modes):
        assert call() in ([], {"txt2img": [], "img2img": []})
    assert api.refresh_checkpoints() is None


def test_a_picture_is_enlarged(api: webuiapi.WebUIApi, url: str) -> None:
    small = picture(24)
    made = api.extra_single_image(small, upscaler_1="pocket-upscaler", upscaling_resize=2, gfpgan_visibility=0.5)
    assert made.image.size == (48, 48) and made.info == "gfpgan_visibility is left out"
    fitted = api.extra_single_image(
        small, upscaler_1="pocket-upscaler", resize_mode=1, upscaling_resize_w=60, upscaling_resize_h=40
    )
    assert fitted.image.size == (60, 40)
    assert api.extra_single_image(small).image.tobytes() == small.tobytes()
    with pytest.raises(RuntimeError, match="at most 4 times"):
        api.extra_single_image(
            small, upscaler_1="pocket-upscaler", resize_mode=1, upscaling_resize_w=600, upscaling_resize_h=40
        )


@pytest.mark.parametrize(
    ("path", "body", "status", "sentence"),
    [
        ("txt2img", {"prompt": "a", "sampler_name": "DPM adaptive"}, 422, "Sampler not found"),
        ("txt2img", {"prompt": "a", "steps": -1}, 422, "steps"),
        ("txt2img", {"prompt": "a", "batch_size": 10**9}, 422, "batch_size"),
        ("txt2img", {"prompt": "a", "batch_size": 64, "n_iter": 64}, 422, "at most 64"),
        ("txt2img", {"prompt": "a", "width": 10**9}, 422, "width"),
        ("txt2img", {"prompt": "a", "script_name": "x/y plot"}, 422, "not found"),
        ("txt2img", {"prompt": "a\u0007b"}, 422, "control character"),
        ("txt2img", {"prompt": "a", "override_settings": {"sd_model_checkpoint": "/etc/passwd"}}, 422, "no checkpoint"),
        ("txt2img", {"prompt": "a", "steps": 600, "sampler_name": "DDIM", "width": 64, "height": 64}, 422, "do not spread"),
        ("img2img", {"prompt": "a"}, 422, "Init image not found"),
        ("img2img", {"prompt": "a", "init_images": ["!!"]}, 422, "Invalid encoded image"),
        ("img2img", {"prompt": "a", "init_images": ["http://127.0.0.1/a.png"]}, 422, "fetches no addresses"),
        ("png-info", {"image": base64.b64encode(b"<svg/>").decode()}, 422, "no PNG, JPEG or WebP"),
        ("extra-single-image", {"image": "", "upscaler_1": "None"}, 422, "no PNG"),
        ("interrogate", {"image": ""}, 404, "Not Found"),
    ],
)
def test_what_cannot_be_done_is_refused_in_a_sentence(
    path: str, body: dict[str, Any], status: int, sentence: str, url: str
) -> None:
    answer = requests.post(f"{url}/{path}", json=body)
    assert answer.status_code == status and sentence in answer.json()["detail"]


def test_headers_of_clients_without_a_secret_are_no_hindrance(url: str) -> None:
    for value in ("", "Basic Og=="):
        assert requests.get(f"{url}/options", headers={"authorization": value}).status_code == 200


def test_a_client_that_leaves_has_its_job_cancelled_if_it_says_so(url: str, served: Served) -> None:
    body = {"prompt": "boats", **LONG}
    for header, state in (({"X-Cancel-On-Disconnect": "1"}, State.CANCELLED), ({}, State.RUNNING)):
        with pytest.raises(requests.Timeout):
            requests.post(f"{url}/txt2img", json=body, headers=header, timeout=1.0)
        job = served.studio.queue.jobs(most=1)[0]
        assert until(lambda job=job, state=state: served.studio.queue.job(job.id).state is state)
        requests.post(f"{url}/interrupt")
        assert until(lambda job=job: served.studio.queue.job(job.id).state is State.CANCELLED)


def test_basic_authentication(painter_home: Path, tmp_path: Path) -> None:
    with serving(tmp_path / "other", worker=False, token=TOKEN) as locked:
        refused = requests.get(f"{locked.address}/sdapi/v1/options")
        assert refused.status_code == 401 and "basic authentication" in refused.json()["detail"]
        assert refused.headers["www-authenticate"].startswith("Basic")
        with_token = webuiapi.WebUIApi(port=locked.port, username="any", password=TOKEN)
        assert with_token.get_options()["sd_model_checkpoint"] == "pocket"
        assert "detail" in webuiapi.WebUIApi(port=locked.port, username="any", password="wrong").get_options()
