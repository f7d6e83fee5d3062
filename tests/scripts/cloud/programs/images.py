"""Artifact Registry as gcloud shows it: the state's `images` maps names with tags to digests.

Source: https://cloud.google.com/artifact-registry/docs/reference/rest/v1/projects.locations.repositories.packages.tags
"""

import json

from tests.scripts.cloud.programs.call import Call, Command, State


def list_tags(state: State, call: Call) -> str:
    """Answer `gcloud artifacts docker tags list REPOSITORY --format=json`."""
    host, project, repository = call.words[0].split("/")
    location = host.removesuffix("-docker.pkg.dev")
    place = f"projects/{project}/locations/{location}/repositories/{repository}/packages"
    found = []
    for name, digest in state.get("images", {}).items():
        image, tag = name.rsplit(":", 1)
        package = image.removeprefix(f"{call.words[0]}/")
        found.append(
            {
                "tag": f"{place}/{package}/tags/{tag}",
                "image": image,
                "version": f"{place}/{package}/versions/{digest}",
            }
        )
    return json.dumps(found)


COMMANDS: dict[str, Command] = {
    "artifacts docker tags list": list_tags,
}
