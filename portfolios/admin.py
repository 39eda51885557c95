"""The admin pages of households, their members and invitations."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpResponseRedirect
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST
from unfold.widgets import UnfoldAdminTextInputWidget

from portfolios.models import Household, Invitation, Membership
from portfolios.services import members
from portfolios.services.households import add_first_owner
from strata.accounts.models import User
from strata.admin.forms import StaleCheckedForm, StaleCheckedFormSet
from strata.admin.households import HouseholdAdmin, HouseholdInline
from strata.admin.sidebar import Section
from strata.db.retry import run_in_transaction
from strata.exceptions import NotFound, StrataError
from strata.fields.names import name_key
from strata.tenancy.roles import OWNER, OWNERS


def as_form_error(refusal: StrataError) -> ValidationError:
    return ValidationError(refusal.message, code=refusal.code.lower())


# --- members ---


class MemberForm(StaleCheckedForm):
    """A member is entered by username: the admin shows nobody a list of all users."""

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


class MemberFormSet(StaleCheckedFormSet):
    """Roles and removals are one change: an owner must be left at the end."""

    def clean(self):
        super().clean()
        if not any(is_new_owner(form) for form in self.extra_forms):
            try:
                members.require_owner_left(self.instance.pk, self.roles())
            except StrataError as refusal:
                raise as_form_error(refusal) from None

    def roles(self) -> dict[UUID, str | None]:
        deleted = [form.instance.pk for form in self.deleted_forms]
        changed = {form.instance.pk: form.instance.role for form in self.initial_forms if form.has_changed()}
        return changed | dict.fromkeys(deleted)

    def save(self, commit=True):
        """Saves new members first: one of them may replace the last owner."""
        added = self.save_new_objects(commit)
        forms_of = {form.instance.pk: form for form in self.initial_forms}
        roles = self.roles()
        members.replace_members(self.instance.pk, roles)
        self.deleted_objects = [forms_of[pk].instance for pk, role in roles.items() if role is None]
        changed = [forms_of[pk] for pk, role in roles.items() if role is not None]
        self.changed_objects = [(form.instance, form.changed_data) for form in changed]
        return [*added, *(form.instance for form in changed)]


def is_new_owner(form: MemberForm) -> bool:
    member = form.instance
    return form.has_changed() and form.is_valid() and member.role == OWNER and member.user_id is not None


class MembershipInline(HouseholdInline):
    """Owners change roles and remove members. Superusers add members without an invitation if no owner is left."""

    model = Membership
    form, formset = MemberForm, MemberFormSet
    fk_name = "household"
    write_roles = OWNERS
    fields = ("username", "role", "accepted_at")
    verbose_name, verbose_name_plural = "member", "members"

    def has_add_permission(self, request, obj=None):
        return request.user.is_superuser

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("user")

    def get_readonly_fields(self, request, obj=None):
        return (*super().get_readonly_fields(request, obj), "accepted_at")


# --- invitations ---


class InvitationForm(StaleCheckedForm):
    username = forms.CharField(max_length=150, widget=UnfoldAdminTextInputWidget)

    def clean_username(self):
        name = self.cleaned_data["username"]
        try:
            members.require_possible(name)
            members.require_new(self.instance.household_id, name)
        except StrataError as refusal:
            raise as_form_error(refusal) from None
        self.instance.username_key = name_key(
            name
        )  # two invitations in one form with this key are duplicates
        return name


class InvitationFormSet(StaleCheckedFormSet):
    def save_new(self, form, commit=True):
        given = form.cleaned_data
        return members.invite(self.instance.pk, given["username"], given["role"])

    def delete_existing(self, obj, commit=True):
        members.withdraw_invitation(obj.pk)


class InvitationInline(HouseholdInline):
    """Owners invite and withdraw; only invited users accept. Any name is allowed, whether a user has it or not."""

    model = Invitation
    form, formset = InvitationForm, InvitationFormSet
    fk_name = "household"
    write_roles = OWNERS
    fields = ("username", "role")
    template_before = "portfolios/joining.html"

    def has_view_permission(self, request, obj=None):
        return self._may(request, obj, OWNERS)

    def has_change_permission(self, request, obj=None):
        return False


# --- the page ---


@admin.register(Household)
class HouseholdPage(HouseholdAdmin):
    """Owners change a household. Whoever creates one owns it."""

    section, icon = Section.HOUSEHOLD, "cottage"
    write_roles = OWNERS
    fields = ("name",)
    list_display = ("name", "created_at")
    search_fields = ("name_key__has_part",)
    inlines = (MembershipInline, InvitationInline)

    def has_add_permission(self, request, obj=None):
        return request.user.is_active

    def get_inlines(self, request, obj):
        return super().get_inlines(request, obj) if obj else ()

    def get_urls(self):
        answer = self.admin_site.admin_view(self.answer_invitation)
        return [
            path("invitations/<uuid:pk>", answer, name="portfolios_household_answer"),
            *super().get_urls(),
        ]

    @method_decorator(require_POST)
    def answer_invitation(self, request, pk):
        """The invited user accepts or declines on the first page."""
        accepts = request.POST.get("answer") == "accept"
        try:
            if accepts:
                member = run_in_transaction(lambda: members.accept_invitation(pk, request.user))
                text = f"You are a member of the household {member.household.name} now."
            else:
                run_in_transaction(lambda: decline(pk, request.user))
                text = "You have declined the invitation."
        except StrataError as refusal:
            self.message_user(request, refusal.message, messages.ERROR)
        else:
            self.message_user(request, text, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:index"))

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        if not change:
            add_first_owner(obj, request.user)


def decline(invitation_id: UUID, user: User) -> None:
    def require_mine(invitation: Invitation) -> None:
        if not members.invitations_for(user).filter(pk=invitation.pk).exists():
            raise NotFound("invitation")

    members.withdraw_invitation(invitation_id, precondition=require_mine)
