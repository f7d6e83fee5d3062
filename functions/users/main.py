"""The function `users`."""

from functions.users.handlers import UserHandlers
from shared.auth.passwords import Passwords
from shared.auth.settings import PasswordSettings
from shared.auth.sign_in import SignIn
from shared.store.database import Database
from shared.store.deleted_users import DeletedUsers
from shared.store.deletion import Deletion
from shared.store.pictures import Pictures
from shared.store.profiles import Profiles
from shared.store.settings import DatabaseSettings
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
    profiles = Profiles(database, users, Pictures(database))
    deletion = Deletion(database, DeletedUsers(database))
    passwords = Passwords(PasswordSettings())
    auth = PasswordAuth(SignIn(users, passwords))
    return UserHandlers(users, profiles, deletion, passwords, auth).routes()


# Built on import: a wrong setting makes the deployment fail, not the first request.
database = Database(DatabaseSettings())
main = as_function(
    build_app(
        routes(database),
        dependencies=[Dependency("store", database.check)],
        features=Features.of(FeatureSettings()),
    ),
)
