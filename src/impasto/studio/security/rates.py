"""How many changing requests a client may make: a bucket for each, refilled at a steady rate."""

import time
from collections import OrderedDict

_MOST_CLIENTS = 4096


class Rates:
    """Buckets of `burst` requests, refilled by `rate` a second."""

    def __init__(self, rate: float, burst: int) -> None:
        self._rate, self._burst = rate, float(burst)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, client: str) -> float:
        """Takes one request of a client. Returns 0, or the seconds after which it may ask again."""
        now = time.monotonic()
        left, at = self._buckets.pop(client, (self._burst, now))
        left = min(self._burst, left + (now - at) * self._rate)
        wait = 0.0 if left >= 1 else (1 - left) / self._rate
        self._buckets[client] = (left - 1 if left >= 1 else left, now)
        while len(self._buckets) > _MOST_CLIENTS:
            self._buckets.popitem(last=False)
        return wait
