"""A server of the Model Context Protocol: programs with language models paint, expand prompts and look through the gallery.

| module | what it has |
|---|---|
| `server.make_server` | the server of the official SDK with its tools and resources |
| `painting` | the work of a tool: a job, its progress, its cancellation |
| `results` | pictures as small copies with links to the whole files |
| `http` | streamable HTTP, at `/mcp` of the studio |
| `stdio` | `impasto mcp`: the same over stdin and stdout, with a worker |

A picture is answered as a copy of at most 512 px, because clients count base64 as text, with a link to the resource
`impasto://pictures/ID`, which is the file. Tools take ids of pictures, no paths and no base64.
"""
