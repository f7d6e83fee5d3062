"""Artifact Registry as gcloud shows it: the state's `images` maps names with tags to digests.

Source: https://cloud.google.com/artifact-registry/docs/reference/rest/v1/projects.locations.repositories.packages.tags
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

State = dict[str, Any]


def list_tags(state: State, words: list[str], _flags: Mapping[str, str]) -> str:
    """Answer `gcloud artifacts docker tags list REPOSITORY --format=json`."""
    host, project, repository = words[0].split("/")
    location = host.removesuffix("-docker.pkg.dev")
    place = f"projects/{project}/locations/{location}/repositories/{repository}/packages"
    found = []
    for name, digest in state.get("images", {}).items():
        image, tag = name.rsplit(":", 1)
        package = image.removeprefix(f"{words[0]}/")
        found.append(
            {
                "tag": f"{place}/{package}/tags/{tag}",
                "image": image,
                "version": f"{place}/{package}/versions/{digest}",
            }
        )
    return json.dumps(found)


COMMANDS: dict[str, Callable[[State, list[str], Mapping[str, str]], str]] = {
    "artifacts docker tags list": list_tags,
}
