"""A process beside the server for small answers at once: live previews and expansions.

They are no jobs of the queue, because nothing of them is kept, and a preview that is late is worth nothing. The server
itself stays free of torch's work. The process starts with the first question, and again when it died.

| module | what it has |
|---|---|
| `process.Helper` | the server's side: asks, waits, drops what a newer question replaces |
| `child` | the process: one line of JSON in, one line of JSON out |
"""
