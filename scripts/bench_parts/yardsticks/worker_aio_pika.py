"""What a Python user would write: aio-pika and aiohttp on uvloop, 64 jobs at a time. With BENCH_LEDGER it keeps an intent
before each call and the outcome before each result, by aiosqlite."""

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
LEDGER = os.environ.get("BENCH_LEDGER")
BROKER = f"amqp://guest:guest@127.0.0.1:{os.environ['BENCH_AMQP_PORT']}/"


class Nothing:
    async def begin(self, job_id):
        pass

    async def end(self, job_id, body):
        pass


class Ledger:
    """A commit takes along what the others have written meanwhile."""

    @classmethod
    async def open(cls, path):
        import aiosqlite

        self = cls()
        self.database = await aiosqlite.connect(path)
        await self.database.executescript(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
            "CREATE TABLE jobs (job_id TEXT PRIMARY KEY, finished INTEGER NOT NULL) WITHOUT ROWID;"
            "CREATE TABLE results (job_id TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;")
        return self

    async def begin(self, job_id):
        # One that came twice ends the run.
        await self.database.execute("INSERT INTO jobs VALUES (?, 0)", (job_id,))
        await self.database.commit()

    async def end(self, job_id, body):
        await self.database.execute("UPDATE jobs SET finished = 1 WHERE job_id = ?", (job_id,))
        await self.database.execute("INSERT INTO results VALUES (?, ?)", (job_id, body))
        await self.database.commit()


async def run():
    ledger = await Ledger.open(LEDGER) if LEDGER else Nothing()
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
                await ledger.begin(job["jobId"])
                async with session.post(URL, json={"shareToken": job["shareToken"]}) as answer:
                    answer.raise_for_status()
                    await answer.read()
                result = {
                    "version": 1, "jobId": job["jobId"], "account": job["account"], "outcome": "left",
                    "effect": "left", "attempts": 1, "httpStatus": 200}
                body = json.dumps(result).encode()
                await ledger.end(job["jobId"], body)
                await results.publish(
                    aio_pika.Message(
                        body, message_id=f"{job['jobId']}#0",
                        content_type="application/json", delivery_mode=aio_pika.DeliveryMode.PERSISTENT),
                    routing_key="leave.left", mandatory=True)
                await message.ack()

        # What is in flight goes back to the broker with the connection; nothing is measured any more.
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, os._exit, 0)
        await queue.consume(work)
        await asyncio.Future()


uvloop.install()
asyncio.run(run())
