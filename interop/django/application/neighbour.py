"""What the Django application does in the test: prepare, edit, report. The last line of the output is JSON."""

import argparse
import json
import os
import random
from collections import Counter
from datetime import timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import transaction  # noqa: E402
from django.test import Client  # noqa: E402
from django.utils import timezone  # noqa: E402
from street.models import Lamppost, Pigeon  # noqa: E402

LAMPPOSTS = 200
PIGEONS_EACH = 5
COUNTRIES = ["Peru", "Chad", "Fiji", "Oman"]


def prepare(_):
    """Tables by migrations, rows by models; a third of the values was calculated by Django, the others never were."""
    call_command("migrate", verbosity=0)
    User.objects.create_superuser("admin", password="admin")
    for number in range(LAMPPOSTS):
        lamppost = Lamppost.objects.create(first_name=f"post {number}", country=COUNTRIES[number % 4])
        for pigeon in range(PIGEONS_EACH):
            Pigeon.objects.create(lamppost=lamppost, name=f"pigeon {pigeon}", weight=number + pigeon)
        if number % 3 == 0:
            lamppost.recalculate_slow_full_name()
            lamppost.recalculate_load()
    calculated = list(Lamppost.objects.filter(slow_full_name_recalculation_needed=False))
    calculated[0].expire_slow_full_name_after(timezone.now() - timedelta(days=1))
    calculated[1].expire_slow_full_name_after(timezone.now() + timedelta(days=365))
    return {"lampposts": LAMPPOSTS, "expired": calculated[0].pk, "expires": calculated[1].pk}


class RolledBack(Exception):
    """Ends a transaction that must leave nothing behind."""


class Editor:
    """Edits rows as Django does it. What concerns several rows at a time is done to rows of its own, or editors would
    deadlock each other."""

    def __init__(self, number, of, edits, seed):
        self.number, self.of, self.edits = number, of, edits
        self.random = random.Random(seed * 1000 + number)
        self.count, self.kinds, self.failures, self.different = 0, Counter(), Counter(), 0
        self.admin = Client()
        self.admin.force_login(User.objects.get(username="admin"))
        self.shared = list(Lamppost.objects.filter(pk__lte=LAMPPOSTS).values_list("pk", flat=True))
        self.own = [pk for pk in self.shared if pk % of == number]
        self.lampposts = list(Lamppost.objects.filter(pk__lte=LAMPPOSTS))
        self.pigeons = list(Pigeon.objects.all())
        self.own_pigeons = [pigeon.pk for pigeon in self.pigeons if pigeon.lamppost_id % of == number]

    def run(self):
        actions = [
            (30, self.save_a_stale_lamppost),
            (30, self.save_a_stale_pigeon),
            (10, self.save_one_field),
            (15, self.update_rows),
            (5, self.update_many_rows),
            (5, self.bulk_update),
            (5, self.bulk_create_and_delete),
            (5, self.come_and_go),
            (4, self.save_in_the_admin),
            (8, self.several_at_once),
            (3, self.roll_back),
            (5, self.read),
        ]
        weights, actions = zip(*actions)
        while self.count < self.edits:
            action = self.random.choices(actions, weights)[0]
            try:
                action()
            except Exception as failure:
                self.failures[f"{action.__name__}: {type(failure).__name__}: {failure}"] += 1
                if sum(self.failures.values()) > 20:
                    break
            if self.random.random() < 0.02:
                # Some of what is saved later is as old as this.
                at = self.random.randrange(len(self.lampposts))
                self.lampposts[at] = Lamppost.objects.get(pk=self.lampposts[at].pk)
        return {
            "edits": self.count,
            "kinds": self.kinds,
            "failures": self.failures,
            "stale_copies_saved": self.different,
        }

    def did(self, kind, count=1):
        self.count += count
        self.kinds[kind] += count

    def name(self):
        return f"post {self.random.randrange(10**6)}"

    def weight(self):
        return self.random.randrange(1000)

    def save_a_stale_lamppost(self):
        lamppost = self.random.choice(self.lampposts)
        stored = Lamppost.objects.filter(pk=lamppost.pk).values_list("cached_slow_full_name", flat=True).get()
        self.different += stored != lamppost.cached_slow_full_name
        lamppost.first_name = self.name()
        lamppost.save()
        self.did("save")

    def save_a_stale_pigeon(self):
        pigeon = self.random.choice(self.pigeons)
        pigeon.weight = self.weight()
        if self.random.random() < 0.2:
            pigeon.lamppost_id = self.random.choice(self.shared)
        pigeon.save()
        self.did("save")

    def save_one_field(self):
        lamppost = self.random.choice(self.lampposts)
        lamppost.country = self.random.choice(COUNTRIES)
        lamppost.save(update_fields=["country"])
        self.did("save of a field")

    def update_rows(self):
        if self.random.random() < 0.5:
            Lamppost.objects.filter(pk=self.random.choice(self.shared)).update(first_name=self.name())
        else:
            Pigeon.objects.filter(pk=self.random.choice(self.pigeons).pk).update(weight=self.weight())
        self.did("update")

    def update_many_rows(self):
        pks = self.random.sample(self.own_pigeons, 20)
        Pigeon.objects.filter(pk__in=pks).update(weight=self.weight())
        self.did("update of many")

    def bulk_update(self):
        rows = list(Lamppost.objects.filter(pk__in=self.random.sample(self.own, 10)).order_by("pk"))
        for row in rows:
            row.first_name = self.name()
        Lamppost.objects.bulk_update(rows, ["first_name", "cached_slow_full_name", "total_load"])
        self.did("bulk_update")

    def bulk_create_and_delete(self):
        lamppost = self.random.choice(self.shared)
        new = [Pigeon(lamppost_id=lamppost, name="new", weight=self.weight()) for _ in range(10)]
        new = Pigeon.objects.bulk_create(new)
        self.did("bulk_create")
        Pigeon.objects.filter(pk__in=[pigeon.pk for pigeon in new[:8]]).delete()
        self.did("delete")
        new[8].delete()
        self.did("delete")

    def come_and_go(self):
        lamppost = Lamppost.objects.create(first_name=self.name(), country="Peru")
        Pigeon.objects.create(lamppost=lamppost, name="short", weight=self.weight())
        self.did("create", 2)
        if self.random.random() < 0.7:
            lamppost.delete()
            self.did("delete")

    def save_in_the_admin(self):
        lamppost = self.random.choice(self.lampposts)
        form = {
            "first_name": self.name(),
            "country": lamppost.country,
            "cached_slow_full_name": lamppost.cached_slow_full_name or "",
            "total_load": "" if lamppost.total_load is None else lamppost.total_load,
        }
        for flag in ["slow_full_name_recalculation_needed", "load_is_stale"]:
            if getattr(lamppost, flag):
                form[flag] = "on"
        answer = self.admin.post(f"/admin/street/lamppost/{lamppost.pk}/change/", form)
        if answer.status_code != 302:
            raise ValueError(answer.context["adminform"].form.errors)
        self.did("admin")

    def several_at_once(self):
        with transaction.atomic():
            self.edit_own_rows()
        self.did("in a transaction", 4)

    def roll_back(self):
        try:
            with transaction.atomic():
                self.edit_own_rows()
                raise RolledBack
        except RolledBack:
            pass
        self.kinds["rolled back"] += 1

    def edit_own_rows(self):
        for pk in sorted(self.random.sample(self.own, 2)):
            Lamppost.objects.filter(pk=pk).update(country=self.random.choice(COUNTRIES))
        with transaction.atomic():
            for pk in sorted(self.random.sample(self.own_pigeons, 2)):
                Pigeon.objects.filter(pk=pk).update(weight=self.weight())

    def read(self):
        """What is flagged is recalculated here by Django's own calculation, and written."""
        lamppost = Lamppost.objects.get(pk=self.random.choice(self.shared))
        lamppost.slow_full_name, lamppost.load, lamppost.cached_slow_full_name
        self.kinds["read"] += 1


def edit(arguments):
    return Editor(arguments.number, arguments.of, arguments.edits, arguments.seed).run()


def report(_):
    """Every row as the application sees it, and what it should be by a plain loop over the rows."""
    weights = Counter()
    for lamppost, weight in Pigeon.objects.values_list("lamppost_id", "weight"):
        weights[lamppost] += weight
    rows = []
    for row in Lamppost.objects.order_by("pk"):
        rows.append(
            {
                "id": row.pk,
                "stored": [row.cached_slow_full_name, row.total_load],
                "property": [row.slow_full_name, row.load],
                "expected": [f"The {weights[row.pk]} ton {row.first_name} of {row.country}", weights[row.pk]],
            }
        )
    return rows


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True)
    for command in [prepare, report]:
        commands.add_parser(command.__name__).set_defaults(run=command)
    editing = commands.add_parser("edit")
    editing.set_defaults(run=edit)
    for name in ["number", "of", "edits", "seed"]:
        editing.add_argument(f"--{name}", type=int, required=True)
    arguments = parser.parse_args()
    print(json.dumps(arguments.run(arguments)))


if __name__ == "__main__":
    main()
