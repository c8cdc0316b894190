"""What a Celery user would write: a task on gevent, late acks, confirmed results. With BENCH_DATABASE Celery itself keeps
that a task was begun and what it came to, in its result backend; then on threads, since psycopg2 does not yield.

Run by `celery --app worker_celery worker --pool gevent`. Its jobs are Celery's messages (protocol 1).
"""

import os

import celery
import kombu
import requests
from kombu.transport.pyamqp import Transport
from requests.adapters import HTTPAdapter

IN_FLIGHT = int(os.environ["BENCH_IN_FLIGHT"])
PREFIX = os.environ["BENCH_PREFIX"]
URL = os.environ["BENCH_API"] + "/v1/sharedAlbums:leave"

# Quorum queues know the prefetch of a consumer only, and Celery 5.2 asks for a channel's.
Transport.qos_semantics_matches_spec = lambda self, connection: True

app = celery.Celery("bench", broker=f"amqp://guest:guest@127.0.0.1:{os.environ['BENCH_AMQP_PORT']}//")
if database := os.environ.get("BENCH_DATABASE"):
    app.conf.update(result_backend="db+" + database, task_track_started=True)
app.conf.update(
    task_queues=[
        kombu.Queue(
            f"{PREFIX}.jobs", kombu.Exchange(f"{PREFIX}.jobs", no_declare=True), routing_key="leave",
            no_declare=True)],
    task_acks_late=True,
    task_ignore_result=not database,
    # Of the pool's size: twice as many are at hand as are being called.
    worker_prefetch_multiplier=2,
    broker_pool_limit=IN_FLIGHT,
    broker_transport_options={"confirm_publish": True},
    worker_hijack_root_logger=False,
)
results = kombu.Exchange(f"{PREFIX}.results", "topic", no_declare=True)
session = requests.Session()
session.headers["Authorization"] = f"Bearer {os.environ['BENCH_TOKEN']}"
session.verify = os.environ.get("BENCH_CA", True)
# Proxies are not looked up for each call.
session.trust_env = False
session.mount(os.environ["BENCH_API"], HTTPAdapter(pool_connections=1, pool_maxsize=IN_FLIGHT))


@app.task(name="leave")
def leave(job_id, account, share_token):
    answer = session.post(URL, json={"shareToken": share_token})
    answer.raise_for_status()
    result = {
        "version": 1, "jobId": job_id, "account": account, "outcome": "left", "effect": "left", "attempts": 1,
        "httpStatus": 200}
    with app.amqp.producer_pool.acquire(block=True) as producer:
        producer.publish(
            result, exchange=results, routing_key="leave.left", serializer="json", message_id=f"{job_id}#0",
            delivery_mode=2, mandatory=True, declare=[])
