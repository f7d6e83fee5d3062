"""The resources that `backup` is built from."""

from dataclasses import replace

from shared.auth.api_keys import ApiKeySettings
from shared.backups.places import open_backups
from shared.backups.settings import BackupSettings
from shared.clients.http import Client, open_client
from shared.clients.secrets import Secrets
from shared.clients.settings import SecretSettings
from shared.web.features import Feature, Features
from shared.web.readiness import Dependency
from shared.web.user_auth import user_auth

_SECRETS = {ApiKeySettings.variable("keys"), BackupSettings.variable("encryption_key")}


class BackupResources:
    """The place of backups, and the sign-in of users.

    Args:
        http: sends requests to Cloud Storage.
        secrets: has the API keys and the key of encrypted backups.
    """

    def __init__(self, http: Client, secrets: Secrets) -> None:
        self.auth = user_auth(secrets)
        self.backups = open_backups(BackupSettings(), secrets, http)
        self._secrets = secrets

    @classmethod
    def open(cls) -> "BackupResources":
        """Return the resources that the environment describes. Nothing is connected yet."""
        return cls(open_client(), Secrets(SecretSettings()))

    def features(self, switched: Features) -> Features:
        """Return the features of a server with these resources."""
        if self.backups is not None:
            return switched
        return replace(switched, not_configured=switched.not_configured | {Feature.BACKUP})

    def dependencies(self) -> list[Dependency]:
        """Return the readiness checks: the secrets and the place."""
        secrets = (
            Dependency(each.variable, each.value, each.is_set, each.is_set)
            for each in self._secrets.requested
            # Other services of the same process use the same secrets.
            if each.variable in _SECRETS
        )
        place = [] if self.backups is None else [Dependency("backups", self.backups.check)]
        return [*secrets, *place]
