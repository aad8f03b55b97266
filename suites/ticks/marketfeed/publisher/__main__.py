"""`python -m marketfeed.publisher --redis URL`: publish what lines on standard input tell, until they end."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from .market import Market


def carry_out(market: Market, order: dict[str, Any]) -> dict[str, Any]:
    """Do what one line tells, without its prefix; Redis may be away, and come back."""
    before = market.sequence
    answer: dict[str, Any] = {}
    try:
        match order.pop("do"):
            case "send":
                answer["receivers"] = market.send(**order)
            case "stream":
                market.stream(**order)
            case "burst":
                market.burst(**order)
    except RedisError as error:
        answer["error"] = str(error)
    return {"source": market.source, "first": before + 1, "last": market.sequence, **answer}


def main() -> None:
    parser = argparse.ArgumentParser(prog="marketfeed.publisher", description=__doc__)
    parser.add_argument("--redis", required=True, help="the URL of the server")
    options = parser.parse_args()
    with Redis.from_url(options.redis, socket_timeout=5.0, retry=Retry(NoBackoff(), 0)) as redis:
        markets: dict[str, Market] = {}
        print(json.dumps({"ready": True}), flush=True)
        for line in sys.stdin:
            order = json.loads(line)
            prefix = order.pop("prefix")
            market = markets.setdefault(prefix, Market(redis, prefix))
            print(json.dumps(carry_out(market, order)), flush=True)


if __name__ == "__main__":
    main()
