#!/usr/bin/env python3
"""How fast dead letters are moved back: platformctl against a loop in boto3.

One run, one machine, one emulator, the same messages: see README.md.
"""

import argparse
import asyncio
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import boto3
from botocore.config import Config

HERE = pathlib.Path(__file__).resolve().parent
REGION = "eu-west-2"
DEAD, WORK = "acme-dev-jobs-queue-dead-letters", "acme-dev-jobs"
CONFIG = "version: 1\nproject: acme\nenvironment: dev\nregion: eu-west-2\n"


class Distance(threading.Thread):
    """Stands between clients and the emulator, and holds each request up: AWS is not on
    this machine."""

    def __init__(self, emulator, seconds):
        super().__init__(daemon=True)
        self.emulator, self.seconds = int(emulator.rsplit(":", 1)[1]), seconds
        self.port, self.ready = None, threading.Event()
        self.start()
        self.ready.wait()
        self.endpoint = f"http://127.0.0.1:{self.port}"

    def run(self):
        asyncio.run(self.serve())

    async def serve(self):
        """Accepts connections until the process ends."""
        server = await asyncio.start_server(self.carry, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self.ready.set()
        await server.serve_forever()

    async def carry(self, client_in, client_out):
        """One connection: requests are held up, answers are not."""
        there_in, there_out = await asyncio.open_connection("127.0.0.1", self.emulator)
        ours, its = f"127.0.0.1:{self.port}".encode(), f"127.0.0.1:{self.emulator}".encode()

        async def forward(source, sink, wait):
            while data := await source.read(1 << 20):
                # Once for each request, however many pieces it arrives in.
                if wait and data.startswith((b"POST ", b"GET ")):
                    await asyncio.sleep(wait)
                sink.write(data.replace(ours, its) if wait else data)
                await sink.drain()
            sink.close()

        await asyncio.gather(
            forward(client_in, there_out, self.seconds), forward(there_in, client_out, 0),
            return_exceptions=True)


class Bench:
    """A local platform of its own, with two queues."""

    def __init__(self, binary, folder, count, milliseconds):
        self.binary, self.count = binary, count
        self.environment = {
            name: value for name, value in os.environ.items()
            if not name.startswith("AWS_") and name not in ("PLATFORMCTL_CONFIG", "PLATFORMCTL_ENV")
        } | {
            "PLATFORMCTL_STATE_DIR": str(folder / "state"),
            "PLATFORMCTL_CONFIG": str(folder / "platform.yaml"),
        }
        (folder / "platform.yaml").write_text(CONFIG, encoding="utf-8")
        self.run("local", "up")
        self.endpoint = json.loads(self.run("local", "status", "-o", "json"))["endpoint"]
        if milliseconds:
            self.endpoint = Distance(self.endpoint, milliseconds / 1000).endpoint
        self.sqs = boto3.client(
            "sqs", endpoint_url=self.endpoint, region_name=REGION, aws_access_key_id="000000000000",
            aws_secret_access_key="local", config=Config(proxies={}))
        self.work = self.sqs.create_queue(QueueName=WORK)["QueueUrl"]
        self.dead = self.sqs.create_queue(QueueName=DEAD)["QueueUrl"]

    def run(self, *arguments):
        """Runs platformctl, which has to succeed."""
        done = subprocess.run(
            [self.binary, *arguments], env=self.environment, check=False,
            capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"platformctl {' '.join(arguments)}: exit {done.returncode}\n{done.stderr}")
        return done.stdout

    def fill(self):
        """Empties both queues, and fills that of the dead letters."""
        for url in (self.work, self.dead):
            self.sqs.purge_queue(QueueUrl=url)
        for first in range(0, self.count, 10):
            entries = [{
                "Id": str(number),
                "MessageBody": json.dumps({"tenant_id": "acme", "n": number, "text": "x" * 400}),
                "MessageAttributes": {"own": {"DataType": "String", "StringValue": str(number)}},
            } for number in range(first, min(first + 10, self.count))]
            failed = self.sqs.send_message_batch(QueueUrl=self.dead, Entries=entries).get("Failed")
            assert not failed, failed

    def check(self, what):
        """Every message has to be where it belongs, once."""
        def count(url):
            names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
            found = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)
            return sum(int(found["Attributes"][name]) for name in names)
        counts = (count(self.dead), count(self.work))
        if counts != (0, self.count):
            sys.exit(f"{what}: {counts[0]} left and {counts[1]} moved of {self.count}")

    def receive(self, most=10):
        """Some messages."""
        return self.sqs.receive_message(
            QueueUrl=self.dead, MaxNumberOfMessages=most, VisibilityTimeout=60,
            MessageAttributeNames=["All"], MessageSystemAttributeNames=["All"],
        ).get("Messages", [])

    def one_by_one(self):
        """Receive, send, delete: one message, as boto3 receives unless told."""
        self.loop(1)

    def tens(self):
        """The same, and ten are received at a time."""
        self.loop(10)

    def loop(self, most):
        """Receives, sends each, deletes each."""
        while messages := self.receive(most):
            for message in messages:
                self.sqs.send_message(
                    QueueUrl=self.work, MessageBody=message["Body"],
                    MessageAttributes=message.get("MessageAttributes", {}))
                self.sqs.delete_message(
                    QueueUrl=self.dead, ReceiptHandle=message["ReceiptHandle"])

    def batches(self):
        """The same with batch requests: it loses no message, and marks and records nothing."""
        while messages := self.receive():
            self.sqs.send_message_batch(QueueUrl=self.work, Entries=[{
                "Id": str(index), "MessageBody": message["Body"],
                "MessageAttributes": message.get("MessageAttributes", {}),
            } for index, message in enumerate(messages)])
            self.sqs.delete_message_batch(QueueUrl=self.dead, Entries=[
                {"Id": str(index), "ReceiptHandle": message["ReceiptHandle"]}
                for index, message in enumerate(messages)])

    def platformctl(self):
        """All of it: start, journal, marks, and the look that nothing is left."""
        environment = self.environment
        self.environment = environment | {
            "AWS_ENDPOINT_URL": self.endpoint, "AWS_ACCESS_KEY_ID": "000000000000",
            "AWS_SECRET_ACCESS_KEY": "local",
        }
        self.run("ops", "dlq-redrive", "jobs", "--copy", "--yes", "-o", "json")
        self.environment = environment


def main():
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", default=str(HERE.parent.parent / "target/release/platformctl"))
    parser.add_argument("--messages", type=int, default=5000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--distance", type=float, default=0, metavar="MILLISECONDS",
                        help="how long a request is on its way")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(arguments.binary, pathlib.Path(folder), arguments.messages, arguments.distance)
        ways = {
            "boto3, one by one": bench.one_by_one,
            "boto3, received in tens": bench.tens,
            "boto3, in batches": bench.batches,
            "platformctl ops dlq-redrive": bench.platformctl,
        }
        seconds = {name: [] for name in ways}
        try:
            for _ in range(arguments.runs):
                for name, way in ways.items():
                    bench.fill()
                    begun = time.monotonic()
                    way()
                    seconds[name].append(time.monotonic() - begun)
                    bench.check(name)
        finally:
            bench.run("local", "down")
    print(f"{arguments.messages} messages, {arguments.distance:g} ms away, median of {arguments.runs} runs, "
          f"{os.cpu_count()} processors, {platform.machine()}, boto3 {boto3.__version__}")
    slowest = statistics.median(seconds["boto3, one by one"])
    print(f"{'':30} {'seconds':>8} {'messages/s':>11} {'times':>6}")
    for name, times in seconds.items():
        median = statistics.median(times)
        print(f"{name:30} {median:8.2f} {arguments.messages / median:11.0f} {slowest / median:6.1f}")


if __name__ == "__main__":
    main()
