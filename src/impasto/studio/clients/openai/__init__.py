"""OpenAI's `/v1/images/generations`, `/v1/images/edits` and `/v1/models`, as its clients use them.

| module | what it has |
|---|---|
| `fields` | the body of a request, and what its words mean here |
| `asked` | a body becomes a job |
| `router` | the routes |

Pictures come in base64 unless `response_format` is "url". A model that is no checkpoint of ours ("gpt-image-1") is the usual
checkpoint. The answer has one field more than OpenAI's: `impasto`, with notes on what is different from what was asked for.
"""
