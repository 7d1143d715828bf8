"""The lampposts as django-computedfields keeps them, in the column that ours stands in."""
from computedfields.models import ComputedFieldsModel, computed
from django.db import models


class Lamppost(ComputedFieldsModel):
    first_name = models.TextField()
    country = models.TextField()

    class Meta:
        db_table = "lamppost"

    @computed(
        models.TextField(null=True, db_column="cached_slow_full_name"),
        depends=[("self", ["first_name", "country"]), ("pigeon_set", ["weight"])],
    )
    def slow_full_name(self):
        weight = self.pigeon_set.aggregate(weight=models.Sum("weight"))["weight"]
        return f"The {weight} {self.first_name} of {self.country}"


class Pigeon(models.Model):
    lamppost = models.ForeignKey(Lamppost, on_delete=models.CASCADE)
    weight = models.IntegerField()
    name = models.TextField()

    class Meta:
        db_table = "pigeon"
