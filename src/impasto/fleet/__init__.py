"""The fleet: jobs on Ray, from two processes of this machine to many machines, every unit once in effect.

    from impasto.fleet.run import run_on
    from impasto.fleet.place import Place

    run_on(CaptionJob(catalogue=Path("catalogue")), Place.read("ray"))      # a Ray of this machine, started and ended by us
    run_on(job, Place.read("ray://head:10001"))                             # a cluster that is there

A job does not know of it: it gives its work in units to its context's `Spread` (`impasto.spreading`), which is `RaySpread`
here. Nothing of a cluster is written by hand: Ray starts workers on nodes, restarts those that died, and moves the data.

| module | what it has |
|---|---|
| `place.Place` | what `--on` says: where, how many workers, with how many cores and GPUs each |
| `session`, `guard` | a Ray of our own on loopback, or a connection to a cluster; both ended whatever happens |
| `actor.UnitActor` | what runs on a worker: keeps the work with its loaded models, does batches of units |
| `crew.Crew` | the actors: started, lost, come back; which of them can take a batch |
| `batches.Batches` | which units go together; they are halved after a want of memory, and given up after too many deaths |
| `driver.RaySpread` | the loop: bounded units in flight, results in their order, a stop, progress |
| `journal` | the results that wait for their turn, on disk: what a killed driver takes up again |
| `status` | the file by which `impasto jobs` knows of a running driver |
| `run` | runs a job in a session |

**Exactly once in effect.** A worker writes nothing: it returns bytes. The driver writes them to the journal under the unit's
key, and the job puts them into its table or folder in the order of the units, as the local run does. A unit that is done
twice has the same key and the same bytes. A driver that was killed finds the finished units in the journal, and repeats
those that were in flight.
"""
