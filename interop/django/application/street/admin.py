from django.contrib import admin

from .models import Lamppost, Pigeon


@admin.register(Lamppost)
class LamppostAdmin(admin.ModelAdmin):
    exclude = ["slow_full_name_expires_after"]


admin.site.register(Pigeon)
