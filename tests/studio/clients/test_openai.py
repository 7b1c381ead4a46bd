"""`/v1/images` and `/v1/models`, asked by the openai package, and with what Open WebUI and LibreChat send."""

import base64
import io
from collections.abc import Iterator

import openai
import pytest
import requests
from PIL import Image
from tests.studio.clients.conftest import Served

from impasto.painting.foreign.a1111 import parse_parameters


@pytest.fixture(scope="module")
def client(served: Served) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{served.address}/v1", api_key="none", max_retries=0) as one:
        yield one


def opened(data: str | None) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(data or "")))


def png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, format="PNG")
    return file.getvalue()


def transparent(size: int = 64) -> Image.Image:
    image = Image.new("RGBA", (size, size), (200, 120, 40, 255))
    image.paste((0, 0, 0, 0), (size // 2, 0, size, size))
    return image


def test_words_become_pictures(client: openai.OpenAI, served: Served) -> None:
    made = client.images.generate(prompt="boats at sunset", n=2, size="64x64", quality="low", extra_body={"seed": 5})
    images = [opened(one.b64_json) for one in made.data or []]
    assert [one.size for one in images] == [(64, 64)] * 2 and made.size == "64x64"
    read = [parse_parameters(str(one.info["parameters"])) for one in images]
    assert [(one.prompt, one.steps, one.seed) for one in read] == [("boats at sunset", 10, 5), ("boats at sunset", 10, 6)]
    told = (made.model_extra or {})["impasto"]
    assert told["notes"] == [] and len(told["pictures"]) == 2
    assert served.studio.gallery.entry(told["pictures"][0]).seed == 5


def test_an_address_leads_to_the_picture(client: openai.OpenAI) -> None:
    made = client.images.generate(prompt="boats", size="64x64", quality="low", response_format="url")
    answer = requests.get((made.data or [])[0].url or "", headers={"authorization": "Bearer none"})
    assert answer.headers["content-type"] == "image/png" and Image.open(io.BytesIO(answer.content)).size == (64, 64)


def test_what_librechat_asks_for(client: openai.OpenAI) -> None:
    made = client.images.generate(
        model="gpt-image-1", prompt="boats", n=1, background="auto", output_format="webp", output_compression=60,
        quality="auto",
        size="auto", extra_body={"steps": 2},
    )  # fmt: skip
    image = opened((made.data or [])[0].b64_json)
    assert image.format == "WEBP" and image.size == (64, 64)
    assert (made.model_extra or {})["impasto"]["notes"] == [
        "pocket paints, in place of 'gpt-image-1': /v1/models lists the checkpoints"
    ]


def test_what_is_left_out_is_told(client: openai.OpenAI) -> None:
    made = client.images.generate(
        prompt="boats", size="1024x1024", background="transparent", extra_body={"steps": 1, "new": 1}
    )
    assert set((made.model_extra or {})["impasto"]["notes"]) == {
        "background is left out", "new is left out", "painted at 64x64, which the checkpoint can paint, for 1024x1024",
    }  # fmt: skip


def test_a_picture_is_painted_over(client: openai.OpenAI) -> None:
    source = png(Image.new("RGB", (64, 64), "navy"))
    made = client.images.edit(image=("photo.png", source), prompt="boats", quality="low")
    assert "Denoising strength" in str(opened((made.data or [])[0].b64_json).info["parameters"])


@pytest.mark.parametrize("own", [False, True])
def test_what_is_transparent_is_painted_anew(own: bool, client: openai.OpenAI) -> None:
    plain = Image.new("RGB", (64, 64), (200, 120, 40))
    if own:
        made = client.images.edit(image=("a.png", png(transparent())), prompt="boats", quality="low")
    else:
        made = client.images.edit(
            image=("a.png", png(plain)), mask=("m.png", png(transparent())), prompt="boats", quality="low"
        )
    image = opened((made.data or [])[0].b64_json).convert("RGB")
    assert image.crop((0, 0, 30, 64)).tobytes() == plain.crop((0, 0, 30, 64)).tobytes()
    assert image.crop((36, 0, 64, 64)).tobytes() != plain.crop((36, 0, 64, 64)).tobytes()


def test_a_large_picture_keeps_its_size(client: openai.OpenAI) -> None:
    made = client.images.edit(
        image=[("a.png", png(transparent(300))), ("b.png", png(transparent()))],
        prompt="boats",
        quality="low",
        size="1024x1024",
    )
    assert opened((made.data or [])[0].b64_json).size == (300, 300)
    assert (made.model_extra or {})["impasto"]["notes"] == [
        "the first of 2 pictures is edited", "the picture keeps its 300x300 px",
        "the part around the mask is painted alone, and brought to the picture's size",
    ]  # fmt: skip


def test_models(client: openai.OpenAI) -> None:
    assert [one.id for one in client.models.list()] == ["pocket"]
    assert client.models.retrieve("pocket").owned_by == "impasto"
    with pytest.raises(openai.NotFoundError, match="/v1/models lists them"):
        client.models.retrieve("../etc")


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"prompt": ""}, "prompt"),
        ({"prompt": "a", "n": 11}, "n: "),
        ({"prompt": "a", "size": "axb"}, "use auto or WIDTHxHEIGHT"),
        ({"prompt": "a", "size": "0x64"}, "sides of 1 to"),
        ({"prompt": "a", "quality": "best"}, "use one of auto"),
        ({"prompt": "a", "response_format": "gif"}, "response_format"),
        ({"prompt": "a", "response_format": "url", "output_format": "webp"}, "ask for b64_json"),
        ({"prompt": "a", "stream": True}, "leave it out"),
        ({"prompt": "x" * 2001}, "at most 2000"),
    ],
)
def test_errors_are_in_openais_form(body: dict[str, object], sentence: str, served: Served) -> None:
    answer = requests.post(f"{served.address}/v1/images/generations", json=body)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert sentence in error["message"] and error["type"] == "invalid_request_error"


def test_edits_without_pictures_are_refused(client: openai.OpenAI, served: Served) -> None:
    for files, sentence in (
        ({"image": ("a.png", b"<svg/>")}, "no PNG, JPEG or WebP"),
        ({"other": ("a.png", b"")}, "there is no picture"),
        ({"image": ("a.png", png(transparent())), "mask": ("m.png", png(Image.new("RGB", (64, 64))))}, "transparent"),
    ):
        answer = requests.post(f"{served.address}/v1/images/edits", files=files, data={"prompt": "a"})
        assert answer.status_code == 400 and sentence in answer.json()["error"]["message"]
    with pytest.raises(openai.BadRequestError, match="prompt"):
        client.images.edit(image=("a.png", png(transparent())), prompt="")
    refused = requests.post(f"{served.address}/v1/images/edits", json={"prompt": "a"})
    assert refused.status_code == 400 and "multipart/form-data" in refused.json()["error"]["message"]
