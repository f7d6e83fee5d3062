"""The template of `settings.env`: the settings for a server at home."""

from dataclasses import replace

from functions.chat.settings import ChatSettings
from functions.cleanup.settings import CleanupSettings
from scripts.reference.declarations import Section, section_of
from scripts.reference.rendering import settings_block
from shared.auth.api_keys import ApiKeySettings
from shared.auth.forward_auth import ForwardAuthSettings
from shared.auth.settings import PasswordSettings
from shared.backups.settings import BackupSettings
from shared.clients.settings import SecretSettings
from shared.limits.settings import RateLimitSettings
from shared.planner.settings import ModelSettings
from shared.purchases.apple_settings import AppleSettings
from shared.purchases.google_play import GooglePlaySettings
from shared.purchases.revenuecat import RevenueCatSettings
from shared.purchases.settings import PurchaseSettings
from shared.purchases.web import WebSettings
from shared.settings import Settings
from shared.store.settings import DatabaseSettings, InboxSettings, QuotaSettings
from shared.telemetry.settings import TelemetrySettings
from shared.web.features import FeatureSettings

OFFERED = (
    ApiKeySettings,
    ForwardAuthSettings,
    ModelSettings,
    BackupSettings,
    FeatureSettings,
    WebSettings,
    RevenueCatSettings,
    AppleSettings,
    GooglePlaySettings,
    RateLimitSettings,
    ChatSettings,
    InboxSettings,
    CleanupSettings,
    PasswordSettings,
    PurchaseSettings,
    TelemetrySettings,
)
"""The settings classes in the template, in order."""

ALL: tuple[type[Settings], ...] = (*OFFERED, DatabaseSettings, QuotaSettings, SecretSettings)
"""All settings classes; the last three are for Google Cloud."""

HIDDEN = frozenset(
    {
        # The options --host and --port set them.
        "CHAT_HOST",
        "PORT",
        # For Google Cloud.
        "GOOGLE_CLOUD_PROJECT",
        "K_SERVICE",
        "K_REVISION",
        "TELEMETRY_REGION",
        # `find_features` computes them.
        "AI_PLANNER_CONFIGURED",
        "BACKUP_CONFIGURED",
        # For tests.
        "TEST_MODE",
        "APPLE_RECEIPT_URL",
        "APPLE_SANDBOX_RECEIPT_URL",
        "APPLE_API_URL",
        "APPLE_SANDBOX_API_URL",
        "GOOGLE_PLAY_URL",
        "REVENUECAT_URL",
        "BACKUP_STORAGE_URL",
    }
)
"""The variables of `OFFERED` that are not in the template."""

DEFAULTS = {"LOG_FORMAT": "text"}
"""The defaults that differ from those of Google Cloud."""

_HEAD = """\
# The settings of this server. The first start of ./scripts/serve wrote this file. Later starts read
# it and never change it. Restart the server after a change.
#
# Each line shows the default. Remove the # before a name to set it. A variable of the environment
# wins over the line of this file.
#
# Users sign in for AI plans and backups with an API key (API_KEYS), or through your proxy
# (FORWARD_AUTH_HEADER). In the app, each user enters the key as the header X-API-Key of the server.
# Give each user an own key, for example API_KEYS=alice=KEY-OF-ALICE,bob=KEY-OF-BOB. Holders of one
# key without a user name share their backups: each of them can read and delete all of them.
#
# AI plans also need a language model: OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own.
# Backups are in the folder `backups` beside this file, unless BACKUP_FOLDER names another one.
#
# Purchases in Google Play also need GOOGLE_APPLICATION_CREDENTIALS: the path of the key file of a
# service account.
"""


def template() -> str:
    """Return the text of a new file: every setting as a comment."""
    blocks = (settings_block(_offered(section_of(each))) for each in OFFERED)
    return "\n".join([_HEAD, *blocks])


def _offered(section: Section) -> Section:
    shown = (
        replace(each, default=DEFAULTS.get(each.variable, each.default))
        for each in section.settings
        if each.variable not in HIDDEN
    )
    return replace(section, settings=tuple(shown))
