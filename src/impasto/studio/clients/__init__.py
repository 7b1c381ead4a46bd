"""The APIs of other tools, on the same queue and gallery: their clients work with the studio as they are.

| folder | what it speaks | its clients |
|---|---|---|
| `a1111` | AUTOMATIC1111's `/sdapi/v1` | webuiapi, SillyTavern, Open WebUI, LibreChat, Auto-Photoshop |
| `openai` | OpenAI's `/v1/images` and `/v1/models` | the openai package, Open WebUI, LibreChat |
| `mcp` | the Model Context Protocol, at `/mcp` and by `impasto mcp` | programs with language models |

`work` adds jobs and waits for their pictures, `sizes` decides how large a checkpoint paints what a client asks for.

These APIs answer when the pictures are finished. A request whose connection breaks goes on all the same, and its pictures
lie in the gallery; a client that wants it cancelled then says so: `X-Cancel-On-Disconnect: 1`.
"""
