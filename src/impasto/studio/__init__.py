"""The studio: a server with pages and APIs over the queue and the gallery. It paints nothing itself.

    app = create_app(StudioSettings(Workspace.open()))          # ASGI; `serve.serve` runs it with a worker process

A request becomes a job in the queue (`requests.models.to_job`), a worker process runs it, and its events come back as a
stream. So nothing is lost when a tab, the server or the worker dies.

| module | what it has |
|---|---|
| `app.create_app` | the application: gate, routers, errors; other APIs and pages are routers that it includes |
| `state.Studio` | what handlers work with: `studio_of(request)` gives queue, gallery, uploads, references, word search |
| `settings` | `StudioSettings`, `Limits`, `read_token` |
| `security` | who may ask for what |
| `requests` | the schema of requests, made from the jobs' classes; ids and names instead of paths |
| `api` | our own API, `/api/v1`: jobs, queue, events, pictures, uploads, gallery, options, session |
| `clients` | the APIs of other tools: AUTOMATIC1111's, OpenAI's, the Model Context Protocol |
| `pages` | server-rendered pages, their scripts and texts, and what only they ask (`/pages/...`) |
| `helper` | a process beside the server for live previews and expansions |
| `uploads` | pictures that clients send |
| `archive` | chosen pictures as one ZIP, signed if asked |
| `serve` | one server for a workspace, with its worker |

**To add an API or pages**: write a `fastapi.APIRouter` in a module of its own; take `StudioOf` (`state`) as a parameter;
raise `ImpastoError` for what the user can act on (`errors` makes 404, 422, 429, 503 or 507 of it, with one sentence);
include the router in `app.create_app`. Handlers that touch the queue or the gallery are plain functions (`def`), which run
in threads; the queue's calls are short. To wait for a job, `await studio.news.ended(number)`.
"""
