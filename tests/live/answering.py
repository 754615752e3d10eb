"""A small new service that answers every path: `python answering.py TEXT` prints its address."""

from __future__ import annotations

import asyncio
import sys

from aiohttp import web


async def serve(text: str) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=f"{text} {request.method} {request.path_qs}")

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    _, port = runner.addresses[0][:2]
    print(f"answering: http://127.0.0.1:{port}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
