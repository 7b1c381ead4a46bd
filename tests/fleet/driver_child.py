"""A driver with a Ray of its own: `python -m tests.fleet.driver_child FOLDER`. It prints the number of every result."""

import sys
from pathlib import Path

from tests.fleet.works import Doubling, units

from impasto.fleet import batches
from impasto.fleet.driver import RaySpread
from impasto.fleet.place import Place
from impasto.fleet.session import ray_session

COUNT = 60
# The last units wait for files: no driver ends before the test wants it.
WAITING = {n: "wait for second" if n < 50 else "wait for third" for n in range(40, COUNT)}

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    batches._SECONDS = 0.0  # one unit in a batch: none waits for a later one
    place = Place.read("ray", workers=2)
    with ray_session(place) as ray:
        spread = RaySpread(ray, place)
        for one in spread.map(Doubling(str(folder / "marks")), units(COUNT, WAITING), place=folder / "place"):
            print(one.unit.number, flush=True)
        spread.end()
