"""Households and their members in the admin."""

from __future__ import annotations

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminTextInputWidget

from portfolios.households import move_in
from portfolios.models import Household, Membership
from strata.admin import SUBJECTS, HouseholdAdmin, HouseholdInline
from strata.db.locks import lock_rows
from strata.editing import RowForm, RowFormSet
from strata.models import User
from strata.ownership import OWNER, OWNERS

# --- who we are ---


class MemberForm(RowForm):
    """A member is named by their username, as in the API: the admin shows nobody a list of all users."""

    username = forms.CharField(max_length=150, widget=UnfoldAdminTextInputWidget)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self.fields["username"].disabled = True
            self.initial["username"] = self.instance.user.username

    def clean_username(self):
        name = self.cleaned_data["username"]
        if self.instance._state.adding:
            self.instance.user = active_user(name)
        return name


def active_user(name: str) -> User:
    try:
        user = User.objects.get_by_natural_key(name)
    except User.DoesNotExist:
        user = None
    if user is None or not user.is_active:
        raise ValidationError("There is no such user.")
    return user


class MemberFormSet(RowFormSet):
    def clean(self):
        """The last owner stays. The household is locked, so that two who leave at once take turns."""
        super().clean()
        lock_rows(Household.objects.filter(pk=self.instance.pk))
        members = Membership.objects.filter(household=self.instance.pk, role=OWNER, accepted_at__isnull=False)
        before = set(members.filter(user__is_active=True).values_list("pk", flat=True))
        owners = set(before)
        for form in self.forms:
            stays = form not in self.deleted_forms and form.is_valid() and is_owner(form.instance)
            if stays and form.has_changed():
                owners.add(form.instance.pk)
            elif not stays:
                owners.discard(form.instance.pk)
        if before and not owners:
            raise ValidationError("A household keeps at least one owner.", code="last_owner")


def is_owner(member: Membership) -> bool:
    return bool(member.role == OWNER and member.accepted_at and member.user_id and member.user.is_active)


class MembershipInline(HouseholdInline):
    """Staff invite; only who is invited accepts, over the API. Superusers may enter the day themselves."""

    model = Membership
    form, formset = MemberForm, MemberFormSet
    fk_name = "household"
    writers = OWNERS
    fields = ("username", "role", "accepted_at")
    verbose_name, verbose_name_plural = "member", "members"

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("user")

    def get_readonly_fields(self, request, obj=None):
        readonly = super().get_readonly_fields(request, obj)
        return readonly if request.user.is_superuser else (*readonly, "accepted_at")


@admin.register(Household)
class HouseholdPage(HouseholdAdmin):
    """Its owners change it. Who makes one owns it."""

    subject, icon = SUBJECTS[2], "cottage"
    writers = OWNERS
    fields = ("name",)
    list_display = ("name", "created_at")
    search_fields = ("name_key__has_part",)
    inlines = (MembershipInline,)

    def has_add_permission(self, request, obj=None):
        return request.user.is_active

    def get_inlines(self, request, obj):
        return super().get_inlines(request, obj) if obj else ()

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        if not change:
            move_in(obj, request.user)
