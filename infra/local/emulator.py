"""The AWS emulator, ministack, with what it lacks and the tests rely on. `emulator.sh` starts it."""
import asyncio
import logging
import os

import ministack.app
from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack.services import s3

copy_object = s3._copy_object


def copy_object_if_allowed(bucket_name, key, headers):
    """S3 checks `If-Match` and `If-None-Match` on the destination of a copy as it does on a put; the emulator does not."""
    objects = (s3._ensure_bucket(bucket_name) or {}).get("objects", {})
    return s3._check_put_preconditions(headers, objects.get(key)) or copy_object(bucket_name, key, headers)


async def app(scope, receive, send):
    """Says which process this is, so that `emulator.sh` can tell it from another that answers on its port."""
    if scope["type"] == "http" and scope["path"] == "/_local/pid":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": str(os.getpid()).encode()})
    else:
        await ministack.app.app(scope, receive, send)


s3._copy_object = copy_object_if_allowed
logging.getLogger("hypercorn.access").setLevel(logging.WARNING)
config = Config()
config.bind = [f"{host}:{os.environ['GATEWAY_PORT']}" for host in os.environ["BIND_HOSTS"].split()]
config.keep_alive_timeout = 75
config.loglevel = os.environ["LOG_LEVEL"]
asyncio.run(serve(app, config))
