"""The function `backup`."""

from functions.backup.handlers import BackupHandlers
from shared.web.app import build_app
from shared.web.backup_resources import BackupResources
from shared.web.features import Features, FeatureSettings
from shared.web.framework_entry import as_function
from shared.web.routes import Route


def routes(resources: BackupResources) -> list[Route]:
    """Return the function's routes."""
    return BackupHandlers(resources.auth, resources.backups).routes()


# Built on import: a wrong setting makes the deployment fail, not the first request.
resources = BackupResources.open()
main = as_function(
    build_app(
        routes(resources),
        dependencies=resources.dependencies(),
        features=resources.features(Features.of(FeatureSettings())),
    )
)
