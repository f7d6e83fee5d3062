"""Artifact Registry in a fake gcloud: the state's `images` maps names with tags to digests.

Source: https://cloud.google.com/artifact-registry/docs/reference/rest/v1/projects.locations.repositories.packages.tags
"""

import json

from tests.scripts.cloud.fake_programs.program_run import Program, ProgramRun, State


def list_tags(state: State, run: ProgramRun) -> str:
    """Handle `gcloud artifacts docker tags list REPOSITORY --format=json`."""
    host, project, repository = run.words[0].split("/")
    location = host.removesuffix("-docker.pkg.dev")
    parent = f"projects/{project}/locations/{location}/repositories/{repository}/packages"
    found = []
    for name, digest in state.get("images", {}).items():
        image, tag = name.rsplit(":", 1)
        package = image.removeprefix(f"{run.words[0]}/")
        found.append(
            {
                "tag": f"{parent}/{package}/tags/{tag}",
                "image": image,
                "version": f"{parent}/{package}/versions/{digest}",
            }
        )
    return json.dumps(found)


COMMANDS: dict[str, Program] = {
    "artifacts docker tags list": list_tags,
}
