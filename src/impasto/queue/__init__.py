"""The durable queue: jobs that are accepted once, run by worker processes, and end exactly once whatever is killed.

    from impasto.queue.store import Queue
    from impasto.workspace import Workspace

    queue = Queue.open(Workspace.open())
    accepted = queue.add(PaintJob(prompt="boats at sunset", count=500))    # written when this returns
    queue.job(accepted.id).state                                           # "queued", then "running", then "done"
    queue.cancel(accepted.id)

One SQLite file in the workspace (`impasto.database`, `schema`) holds it all; the command line, the studio's server and the
workers open the same file, and none of them needs another one to be running.

| module | who uses it | what it has |
|---|---|---|
| `store.Queue` | who asks | add, list, get, pause, resume, cancel, retry, move, clear |
| `records` | both | `QueuedJob`, `Unit`, `State`: rows as typed objects |
| `events.EventLog` | both | what happened, with increasing numbers, for `Last-Event-ID` |
| `units` | worker | a job divided into units: the pictures that it paints one after the other |
| `claims.Claims` | worker | claims a job by a lease with a heartbeat; begins and ends units; takes up what the dead left |
| `publishing` | worker | a unit's pictures get their final, content-made names |
| `watch.Watch` | worker | the thread that prolongs leases and hears of cancel and pause |
| `worker.Worker` | `impasto queue work` | the loop of a worker process |
| `supervisor.Supervisor` | the studio's server | keeps a worker process running |
| `locks` | processes | one server, and one worker for each slot of a workspace |

**States.** queued -> running -> done | failed | cancelled. A pause or the death of a worker makes a running job queued
again, at its old place. `retry` makes a failed or cancelled job queued; what is finished of it stays finished. A job is
claimed by priority, highest first, then by position, lowest first.

**Units.** A job is one row, whatever it paints. It is divided as it runs: `paint` with 500 pictures, or a `batch` of
prompts, artists, settings and seeds, has 500 units, each with its own result, and goes on with the next one after a kill.
Other kinds (trainings, imports, ...) are one unit, and resume by themselves as they do in the terminal.

**Exactly once.** A unit writes into a folder of its own. When it is finished, one transaction records its pictures under the
hash of their content; then the files get these names. A kill before the transaction repeats the unit from the start, a kill
after it repeats only the renaming. Every write of a worker names its claim; a worker that lost its lease can write nothing.
"""
