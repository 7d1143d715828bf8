from django.db import models
from django_cached_field import CachedIntegerField, CachedTextField


class Lamppost(models.Model):
    first_name = models.CharField(max_length=100)
    country = models.CharField(max_length=100)
    slow_full_name = CachedTextField(null=True, blank=True, temporal_triggers=True)
    load = CachedIntegerField(
        null=True,
        blank=True,
        calculation_method_name="weigh",
        cached_field_name="total_load",
        recalculation_needed_field_name="load_is_stale",
    )

    def weigh(self):
        return sum(pigeon.weight for pigeon in self.pigeon_set.all())

    def calculate_slow_full_name(self):
        return "The %s ton %s of %s" % (self.weigh(), self.first_name, self.country)


class Pigeon(models.Model):
    lamppost = models.ForeignKey(Lamppost, on_delete=models.CASCADE)
    name = models.CharField(max_length=100)
    weight = models.IntegerField()
