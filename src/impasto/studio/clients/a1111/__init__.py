"""AUTOMATIC1111's `/sdapi/v1`, as its clients use it.

| module | what it has |
|---|---|
| `fields` | the bodies of txt2img and img2img, and which of their values mean nothing |
| `asked` | a body becomes jobs, one for each picture, with notes on what is different |
| `painting` | txt2img and img2img |
| `answers` | pictures and `info` in A1111's form |
| `progress` | progress, interrupt and skip |
| `lists` | samplers, checkpoints, LoRAs, upscalers and the other lists |
| `options` | options, prompt styles, flags and memory |
| `pictures` | png-info and extra-single-image |
| `state` | the requests in work, and the chosen checkpoint |

What a request asks for and the studio has not is named in `info`: `impasto.ignored` lists the fields, `impasto.notes` says
what is different, such as the size that a checkpoint can paint.
"""
