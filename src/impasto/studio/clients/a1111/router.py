"""The routes of `/sdapi/v1`."""

from fastapi import APIRouter

from impasto.studio.clients.a1111 import lists, options, painting, pictures, progress

PREFIX = "/sdapi/v1"

router = APIRouter(prefix=PREFIX, tags=["AUTOMATIC1111"])
for _module in (painting, progress, options, lists, pictures):
    router.include_router(_module.router)
