"""Who may ask the server for what. `gate.Gate` asks all of it, before any handler and on every path:

1. `hosts`: the Host header names this server (against DNS rebinding) -> 421.
2. `Limits`: the body is bounded, also without a Content-Length -> 413; forms of other sites cannot send its type -> 415.
3. `sessions`: with a token, the client knows it: `Authorization: Bearer`, `Basic` (as the password), `X-API-Key`, or the
   cookie that `/login` gave (HttpOnly, SameSite=Strict) -> 401.
4. `origins`: a request of a browser comes from this server's own pages (Origin, Sec-Fetch-Site), and a changing one carries
   the header `X-CSRF-Token` with the value that `/api/v1/session` tells and every page has in its head -> 403.
5. `--read-only`: nothing is changed -> 403.
6. `rates`: so many changing requests a second for each client -> 429.

Every answer gets a Content-Security-Policy without inline scripts, `nosniff` and their like.

**For authors of pages**: scripts and styles are files under `/static`; state-changing requests are made by scripts (htmx:
`hx-headers`) with `X-CSRF-Token`. **For authors of APIs**: a client without cookies, Origin and Sec-Fetch headers (curl,
webuiapi, the openai package) needs no CSRF token; a path with large bodies goes into `Limits.upload_paths`.
"""
