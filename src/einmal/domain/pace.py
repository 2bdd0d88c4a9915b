"""How often something may be done: a bucket of tokens, so many at once and so many a minute.

Pure: the bucket goes in and comes out, whoever keeps it. Times are monotonic, in seconds.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """`per_minute` 0 is no limit. `at_once`: how many may come in one moment after a pause."""

    per_minute: int
    at_once: int


@dataclass(frozen=True, slots=True)
class Bucket:
    tokens: float
    at: float


def taken(bucket: Bucket | None, rate: Rate, now: float) -> tuple[Bucket, float]:
    """The bucket after one more, and how many seconds that one must wait: 0 where it may come now, and is counted.

    None is a bucket that nobody took from yet. A clock that goes back refills nothing.
    """
    most = float(max(1, rate.at_once))
    if bucket is None:
        bucket = Bucket(most, now)
    if rate.per_minute == 0:
        return bucket, 0.0
    tokens = min(most, bucket.tokens + max(0.0, now - bucket.at) * rate.per_minute / 60)
    if tokens < 1:
        return Bucket(tokens, now), (1 - tokens) * 60 / rate.per_minute
    return Bucket(tokens - 1, now), 0.0
