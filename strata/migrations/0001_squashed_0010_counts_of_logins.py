"""0001 to 0010 in one step, for a database without tables. A database that has some of them goes on with the others.

Left out is what only changes existing rows and columns.
"""

from importlib import import_module

import django.contrib.auth.validators
import django.db.models.deletion
import django.utils.timezone
import strata.accounts.models
import strata.db.collation
import strata.fields.ids
import strata.fields.names
from django.conf import settings
from django.db import migrations, models

journal = import_module("strata.migrations.0002_the_journal_stands")


class Migration(migrations.Migration):

    replaces = [('strata', '0001_users_tokens_and_the_journal'), ('strata', '0002_the_journal_stands'), ('strata', '0003_usernames_have_a_key'), ('strata', '0004_fill_the_keys_of_usernames'), ('strata', '0005_one_user_for_each_name'), ('strata', '0006_when_a_token_was_used'), ('strata', '0007_the_name_of_an_api_token'), ('strata', '0008_keys_of_usernames_go_by_code_point'), ('strata', '0009_one_form_of_usernames'), ('strata', '0010_counts_of_logins')]

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = [
        migrations.CreateModel(
            name='User',
            fields=[
                ('password', models.CharField(max_length=128, verbose_name='password')),
                ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                ('is_superuser', models.BooleanField(default=False, help_text='Designates that this user has all permissions without explicitly assigning them.', verbose_name='superuser status')),
                ('username', models.CharField(error_messages={'unique': 'A user with that username already exists.'}, help_text='Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.', max_length=150, unique=True, validators=[django.contrib.auth.validators.UnicodeUsernameValidator()], verbose_name='username')),
                ('first_name', models.CharField(blank=True, max_length=150, verbose_name='first name')),
                ('last_name', models.CharField(blank=True, max_length=150, verbose_name='last name')),
                ('email', models.EmailField(blank=True, max_length=254, verbose_name='email address')),
                ('is_staff', models.BooleanField(default=False, help_text='Designates whether the user can log into this admin site.', verbose_name='staff status')),
                ('is_active', models.BooleanField(default=True, help_text='Designates whether this user should be treated as active. Unselect this instead of deleting accounts.', verbose_name='active')),
                ('date_joined', models.DateTimeField(default=django.utils.timezone.now, verbose_name='date joined')),
                ('id', models.UUIDField(default=strata.fields.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('username_key', strata.fields.names.NameKeyField(source='username')),
                ('groups', models.ManyToManyField(blank=True, help_text='The groups this user belongs to. A user will get all permissions granted to each of their groups.', related_name='user_set', related_query_name='user', to='auth.group', verbose_name='groups')),
                ('user_permissions', models.ManyToManyField(blank=True, help_text='Specific permissions for this user.', related_name='user_set', related_query_name='user', to='auth.permission', verbose_name='user permissions')),
            ],
            options={
                'verbose_name': 'user',
                'verbose_name_plural': 'users',
                'abstract': False,
                'base_manager_name': 'objects',
                'constraints': [models.UniqueConstraint(fields=('username_key',), name='user_one_for_each_name')],
            },
            managers=[
                ('objects', strata.accounts.models.CaseBlindUserManager()),
            ],
        ),
        migrations.CreateModel(
            name='ApiToken',
            fields=[
                ('id', models.UUIDField(default=strata.fields.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('name', strata.fields.names.NameField(blank=True, default='', max_length=200)),
                ('prefix', models.CharField(editable=False, max_length=13)),
                ('digest', models.CharField(editable=False, max_length=64, unique=True)),
                ('password_stamp', models.CharField(editable=False, max_length=128)),
                ('scope', models.CharField(choices=[('read', 'Read'), ('write', 'Write')], default='write', max_length=5)),
                ('expires_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('last_used_at', models.DateTimeField(editable=False, null=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='api_tokens', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('-created_at', '-id'),
                'base_manager_name': 'objects',
                'verbose_name': 'API token',
            },
        ),
        migrations.CreateModel(
            name='Change',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('at', models.DateTimeField()),
                ('actor_name', models.CharField(blank=True, max_length=150)),
                ('request_id', models.CharField(blank=True, max_length=64)),
                ('road', models.CharField(blank=True, max_length=64)),
                ('model', models.CharField(max_length=64)),
                ('object_id', models.UUIDField()),
                ('household_id', models.UUIDField(null=True)),
                ('action', models.CharField(choices=[('create', 'Create'), ('update', 'Update'), ('delete', 'Delete')], max_length=6)),
                ('before', models.JSONField(null=True)),
                ('actor', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('-id',),
                'base_manager_name': 'objects',
                'indexes': [models.Index(fields=['object_id', 'id'], name='change_of_object'), models.Index(condition=models.Q(('before__isnull', False)), fields=['household_id', 'model', 'at'], name='change_with_an_image')],
            },
        ),
        migrations.CreateModel(
            name='IdempotentAnswer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=255)),
                ('request_digest', models.CharField(max_length=64)),
                ('household_id', models.UUIDField(null=True)),
                ('status', models.PositiveSmallIntegerField(null=True)),
                ('headers', models.JSONField(default=dict)),
                ('body', models.BinaryField(default=b'')),
                ('created_at', models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('user', 'key'), name='idempotent_answer_one_per_user_and_key')],
            },
        ),
        migrations.CreateModel(
            name='LoginCount',
            fields=[
                ('id', models.UUIDField(default=strata.fields.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('name_key', strata.db.collation.CodeField(max_length=600, verbose_name='name')),
                ('address', strata.db.collation.CodeField(blank=True, default='', help_text='Empty: all addresses.', max_length=45)),
                ('attempts', models.PositiveIntegerField(default=0)),
                ('last_attempt_at', models.DateTimeField()),
                ('failures', models.PositiveIntegerField(default=0, verbose_name='failures since the last login')),
                ('last_failure_at', models.DateTimeField(null=True)),
                ('failures_before_login', models.PositiveIntegerField(default=0, verbose_name='failures before the last login')),
                ('last_login_at', models.DateTimeField(null=True, verbose_name='last login')),
            ],
            options={
                'verbose_name': 'account login',
                'ordering': ('name_key', 'address'),
                'indexes': [models.Index(fields=['last_attempt_at'], name='login_count_by_age')],
                'constraints': [models.UniqueConstraint(fields=('name_key', 'address'), name='login_count_one_for_each_name_and_address')],
            },
        ),
        migrations.RunPython(journal.create_triggers, journal.drop_triggers),
    ]
