"""One peer as a process: it reads what to do line by line, and answers each line with the seconds that it took.

    load 1 200          the pigeons with these ids, so that loading them is in no time
    recalculate 1000    the lampposts of the first so many pigeons, which were changed behind its back
    save 1 100          one of these pigeons after the other, as a client does it
    change 7            this pigeon; there is no answer, for somebody watches the database
"""
import importlib
import os
import subprocess
import sys
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
import django

django.setup()
from django.conf import settings
from django.core.management import call_command

models = importlib.import_module(settings.PEER + ".models")


class Cached:
    """django-cached-field, with two Celery processes that keep their connections."""

    def __init__(self):
        from celery_app import app

        app.control.purge()
        self.worker = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "celery_app", "worker", "-c", "2", "-P", "prefork", "-l", "ERROR"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
        )
        for _ in range(100):
            if app.control.ping(timeout=0.3):
                return
        self.stop()
        sys.exit("the Celery worker does not answer")

    def recalculate(self, pigeons):
        for lamppost in models.Lamppost.objects.filter(pigeon__id__lte=pigeons):
            lamppost.flag_slow_full_name_as_stale()
        self.settle()

    def settle(self):
        while models.Lamppost.objects.filter(slow_full_name_recalculation_needed=True).exists():
            time.sleep(0.005)

    def save(self, pigeon):
        pigeon.save()
        pigeon.lamppost.flag_slow_full_name_as_stale()

    def stop(self):
        self.worker.terminate()
        self.worker.wait(30)


class Computed:
    """django-computedfields, with what it recommends for many rows."""

    def recalculate(self, _):
        with open(os.devnull, "w") as nowhere:
            call_command("updatedata", "computed", mode="fast", stdout=nowhere)

    def save(self, pigeon):
        pigeon.save()

    def settle(self):
        pass

    def stop(self):
        pass


loaded = {}


def load(first, last):
    loaded.update(models.Pigeon.objects.select_related("lamppost").in_bulk(range(first, last + 1)))


def save(peer, first, last):
    for id in range(first, last + 1):
        loaded[id].weight += 1
        peer.save(loaded[id])


def timed(function, *arguments):
    started = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - started


def main():
    peer = {"cached": Cached, "computed": Computed}[settings.PEER]()
    try:
        print("ready", flush=True)
        for line in sys.stdin:
            verb, *numbers = line.split()
            numbers = [int(number) for number in numbers]
            if verb == "change":
                save(peer, numbers[0], numbers[0])
                continue
            work = {"load": load, "recalculate": peer.recalculate, "save": lambda *ids: save(peer, *ids)}[verb]
            seconds = timed(work, *numbers)
            # What still runs in the background must not disturb whoever has the next turn.
            peer.settle()
            print(seconds, flush=True)
    finally:
        peer.stop()


main()
