"""A driver with a Ray of its own: `python -m tests.fleet.driver_child PLACE MARKS COUNT SECONDS`. It prints every result."""

import sys
from pathlib import Path

from tests.fleet.works import Doubling, units

from impasto.fleet.driver import RaySpread
from impasto.fleet.place import Place
from impasto.fleet.session import ray_session

if __name__ == "__main__":
    folder, marks, count, seconds = sys.argv[1:]
    place = Place.read("ray", workers=2)
    with ray_session(place) as ray:
        spread = RaySpread(ray, place)
        for one in spread.map(Doubling(marks, float(seconds)), units(int(count)), place=Path(folder)):
            print(one.unit.number, flush=True)
        spread.end()
    print("end", flush=True)
