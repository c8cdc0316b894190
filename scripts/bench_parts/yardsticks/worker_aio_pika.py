"""What a Python user would write: aio-pika and aiohttp on uvloop, 64 jobs at a time. No ledger."""

import asyncio
import json
import os
import signal
import ssl

import aio_pika
import aiohttp
import uvloop

IN_FLIGHT = int(os.environ["BENCH_IN_FLIGHT"])
PREFIX = os.environ["BENCH_PREFIX"]
URL = os.environ["BENCH_API"] + "/v1/sharedAlbums:leave"
HEADERS = {"Authorization": f"Bearer {os.environ['BENCH_TOKEN']}"}
BROKER = f"amqp://guest:guest@127.0.0.1:{os.environ['BENCH_AMQP_PORT']}/"


async def run():
    # Two connections, as RabbitMQ recommends: the broker may block one that publishes.
    consuming = await (await aio_pika.connect(BROKER)).channel()
    publishing = await (await aio_pika.connect(BROKER)).channel(publisher_confirms=True, on_return_raises=True)
    await consuming.set_qos(prefetch_count=2 * IN_FLIGHT)
    queue = await consuming.get_queue(f"{PREFIX}.jobs", ensure=False)
    results = await publishing.get_exchange(f"{PREFIX}.results", ensure=False)
    authority = os.environ.get("BENCH_CA")
    connector = aiohttp.TCPConnector(
        limit=IN_FLIGHT, ssl=ssl.create_default_context(cafile=authority) if authority else None)
    places = asyncio.Semaphore(IN_FLIGHT)
    async with aiohttp.ClientSession(connector=connector, headers=HEADERS) as session:

        async def work(message):
            async with places:
                job = json.loads(message.body)
                async with session.post(URL, json={"shareToken": job["shareToken"]}) as answer:
                    answer.raise_for_status()
                    await answer.read()
                result = {
                    "version": 1, "jobId": job["jobId"], "account": job["account"], "outcome": "left",
                    "effect": "left", "attempts": 1, "httpStatus": 200}
                await results.publish(
                    aio_pika.Message(
                        json.dumps(result).encode(), message_id=f"{job['jobId']}#0",
                        content_type="application/json", delivery_mode=aio_pika.DeliveryMode.PERSISTENT),
                    routing_key="leave.left", mandatory=True)
                await message.ack()

        # What is in flight goes back to the broker with the connection; nothing is measured any more.
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, os._exit, 0)
        await queue.consume(work)
        await asyncio.Future()


uvloop.install()
asyncio.run(run())
