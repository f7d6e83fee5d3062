"""The function `social`."""

from functions.social.handlers import SocialHandlers
from shared.auth.passwords import Passwords
from shared.auth.settings import PasswordSettings
from shared.auth.sign_in import SignIn
from shared.store.database import Database
from shared.store.follow_secrets import FollowSecrets
from shared.store.inbox import Inbox
from shared.store.settings import DatabaseSettings, InboxSettings
from shared.store.users import Users
from shared.web.app import build_app
from shared.web.authentication import PasswordAuth
from shared.web.features import Features, FeatureSettings
from shared.web.framework_entry import as_function
from shared.web.readiness import Dependency
from shared.web.routes import Route


def routes(database: Database) -> list[Route]:
    """Return the function's routes, on `database`."""
    users = Users(database)
    inbox = Inbox(database, users, InboxSettings())
    auth = PasswordAuth(SignIn(users, Passwords(PasswordSettings())))
    return SocialHandlers(FollowSecrets(database, users), inbox, auth).routes()


# Built on import: a wrong setting makes the deployment fail, not the first request.
database = Database(DatabaseSettings())
main = as_function(
    build_app(
        routes(database),
        dependencies=[Dependency("store", database.check)],
        features=Features.of(FeatureSettings()),
    ),
)
