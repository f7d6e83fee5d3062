"""The check that a request stays within the supported subset of Firestore."""


def require(is_supported: bool, feature: str) -> None:  # noqa: FBT001 - reads as a statement
    """Raise an error that names the feature, unless it is supported.

    Raises:
        NotImplementedError: the feature is not supported.
    """
    if not is_supported:
        raise unsupported(feature)


def unsupported(feature: str) -> NotImplementedError:
    """Return the error for a feature of Firestore that is not supported."""
    return NotImplementedError(f"the embedded database does not support {feature}")
