"""The admin pages of households, their members and invitations."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.widgets import UnfoldAdminTextInputWidget

from portfolios.household_links import links_of
from portfolios.models import Household, Invitation, Membership
from portfolios.services import households, members
from strata.accounts.models import User
from strata.admin.accounts.households import HouseholdAdmin, HouseholdInline
from strata.admin.forms import StaleCheckedForm, StaleCheckedFormSet
from strata.admin.sent_again import forget_attempt, once
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

    username = forms.CharField(label=_("Username"), max_length=150, widget=UnfoldAdminTextInputWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self.fields["username"].disabled = True
            self.initial["username"] = self.instance.user.username

    def clean_username(self) -> str:
        name: str = self.cleaned_data["username"]
        if self.instance._state.adding:
            self.instance.user = active_user(name)
        return name


def active_user(name: str) -> User:
    try:
        user = User.objects.get_by_natural_key(name)
    except User.DoesNotExist:
        user = None
    if user is None or not user.is_active:
        raise ValidationError(_("There is no such user."))
    return user


class MemberFormSet(StaleCheckedFormSet):
    """Roles and removals are one change: an owner must be left at the end."""

    def clean(self) -> None:
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

    def save_new(self, form: Any, commit: bool = True) -> Membership:
        row = form.instance
        return members.add_member(self.instance.pk, user_id=row.user_id, role=row.role)

    def save(self, commit: bool = True) -> list[Any]:
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

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_superuser

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("user")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*super().get_readonly_fields(request, obj), "accepted_at")


# --- invitations ---


class InvitationForm(StaleCheckedForm):
    username = forms.CharField(label=_("Username"), max_length=150, widget=UnfoldAdminTextInputWidget)

    def clean_username(self) -> str:
        name: str = self.cleaned_data["username"]
        try:
            members.require_possible(name)
            members.require_new(self.instance.household_id, name)
        except StrataError as refusal:
            raise as_form_error(refusal) from None
        # Set here so that two invitations with this key in one form are refused as duplicates.
        self.instance.username_key = name_key(name)
        return name


class InvitationFormSet(StaleCheckedFormSet):
    def save_new(self, form: Any, commit: bool = True) -> Invitation:
        given = form.cleaned_data
        return members.invite(self.instance.pk, given["username"], given["role"])


class InvitationInline(HouseholdInline):
    """Owners invite and withdraw; only invited users accept. Any name is allowed, whether a user has it or not."""

    model = Invitation
    service = members.INVITATIONS
    form, formset = InvitationForm, InvitationFormSet
    fk_name = "household"
    write_roles = OWNERS
    fields = ("username", "role")
    template_before = "portfolios/joining.html"

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, obj, OWNERS)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


# --- the page ---


@admin.register(Household)
class HouseholdPage(HouseholdAdmin):
    """Owners change a household. Whoever creates one owns it."""

    exported_as = "household-list"
    section, icon, menu_title = Section.HOUSEHOLD, "cottage", _("Household and members")
    empty_text = _("A household has portfolios, and members who share them.")
    service = households.HOUSEHOLDS
    write_roles = OWNERS
    fields = ("name", "lot_method")
    list_display = ("name", "created_at")
    search_fields = ("name_key__has_part",)
    inlines = (MembershipInline, InvitationInline)
    change_form_outer_before_template = "portfolios/links_of_household.html"

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Any = None, **kwargs: Any
    ) -> HttpResponse:
        if obj is not None:
            context["household_links"] = links_of(obj, request)
        answer: HttpResponse = super().render_change_form(request, context, *args, obj=obj, **kwargs)
        return answer

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_active

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return super().get_inlines(request, obj) if obj else ()

    def get_urls(self) -> list[Any]:
        answer = self.admin_site.admin_view(self.answer_invitation)
        remove_demo = self.admin_site.admin_view(self.remove_demo)
        return [
            path("demo/remove", remove_demo, name="portfolios_household_remove_demo"),
            path("invitations/<uuid:pk>", answer, name="portfolios_household_answer"),
            *super().get_urls(),
        ]

    @method_decorator(require_POST)
    def answer_invitation(self, request: Any, pk: UUID) -> HttpResponse:
        """The invited user accepts or declines on the first page."""
        page = HttpResponseRedirect(reverse("admin:index"))

        def write() -> HttpResponse:
            if request.POST.get("answer") == "accept":
                member = members.accept_invitation(pk, request.user)
                text = gettext("You are a member of the household %(name)s now.") % {
                    "name": member.household.name
                }
            else:
                decline(pk, request.user)
                text = gettext("You have declined the invitation.")
            self.message_user(request, text, messages.SUCCESS)
            return page

        try:
            return run_in_transaction(lambda: once(request, write))
        except StrataError as refusal:
            forget_attempt(request)
            self.message_user(request, refusal.message, messages.ERROR)
        return page

    def remove_demo(self, request: Any) -> HttpResponse:
        """The button of the first page, which asks before; without JavaScript this page asks."""
        if request.method != "POST":
            context = {**self.admin_site.each_context(request), "title": _("Remove demo data")}
            return TemplateResponse(request, "portfolios/remove_demo.html", context)

        def write() -> HttpResponse:
            if households.remove_demos(request.user):
                self.message_user(request, str(_("The demo data is removed.")), messages.SUCCESS)
            return HttpResponseRedirect(reverse("admin:index"))

        return run_in_transaction(lambda: once(request, write))

    def write_row(self, request: Any, form: Any) -> Any:
        """Whoever creates a household is its first owner."""
        if form.instance._state.adding:
            return households.create_household(request.user, form.instance.name)
        return super().write_row(request, form)


def decline(invitation_id: UUID, user: User) -> None:
    def require_mine(invitation: Invitation) -> None:
        if not members.invitations_for(user).filter(pk=invitation.pk).exists():
            raise NotFound("invitation")

    members.withdraw_invitation(invitation_id, precondition=require_mine)
