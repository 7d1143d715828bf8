"""The lampposts as django-cached-field keeps them: in the columns that ours stand in, too."""
from django.db import models
from django_cached_field import CachedTextField


class Lamppost(models.Model):
    first_name = models.TextField()
    country = models.TextField()
    slow_full_name = CachedTextField(null=True)

    class Meta:
        db_table = "lamppost"

    def calculate_slow_full_name(self):
        weight = self.pigeon_set.aggregate(weight=models.Sum("weight"))["weight"]
        return f"The {weight} {self.first_name} of {self.country}"


class Pigeon(models.Model):
    lamppost = models.ForeignKey(Lamppost, on_delete=models.CASCADE)
    weight = models.IntegerField()
    name = models.TextField()

    class Meta:
        db_table = "pigeon"
