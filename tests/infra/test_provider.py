"""The stand-in for Google's provider: what Terraform refuses with its help, and what it knows."""

from pathlib import Path

import pytest

from scripts.root import ROOT
from tests.infra.configuration import types_in_use
from tests.infra.provider import schema
from tests.infra.terraform import RefusedError, Workspace

_BEGINNING = """
terraform {
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 7.32"
    }
  }
}

provider "google" {
  project = "liftlog"
  region  = "us-central1"
}

resource "google_service_account" "each" {
  for_each   = toset(["users", "events"])
  account_id = "liftlog-${each.key}"
}
"""
_FUNCTIONS = """
resource "google_cloudfunctions2_function" "each" {
  for_each = toset(["users", "events"])
  name     = each.key
  location = "us-central1"

  build_config {
    runtime = "python313"
  }

  service_config {
    available_memory      = "512Mi"
    ingress_settings      = "ALLOW_ALL"
    service_account_email = google_service_account.each[each.key].email
    environment_variables = { PROJECT = data.google_project.this.number }
  }
}

data "google_project" "this" {}

output "addresses" {
  value = {
    for name, made in google_cloudfunctions2_function.each : name => made.service_config[0].uri
  }
}
"""
_SERVICE = """
resource "google_cloud_run_v2_service" "chat" {
  name     = "chat"
  location = "us-central1"

  template {
    timeout = "3600s"
  }
}
"""


def workspace(place: Path, text: str) -> Workspace:
    """Return a root module of one file, ready for commands."""
    module = place / "module"
    module.mkdir(exist_ok=True)
    (module / "main.tf").write_text(_BEGINNING + text)
    made = Workspace(place / "work", module, answers={"google_project": {"number": "1234"}})
    made.initialize()
    return made


def test_every_type_in_use_is_known_and_no_other() -> None:
    resources, data_sources = types_in_use(ROOT / "infra")
    known = schema.load()
    again = "see tests/infra/provider/read_bindings.py for how to make the file anew"
    assert known.resources.keys() == resources, again
    assert known.data_sources.keys() == data_sources, again


def test_what_is_right_can_be_planned_and_applied_and_then_changes_no_more(tmp_path: Path) -> None:
    module = workspace(tmp_path, _FUNCTIONS + _SERVICE)
    module.validate()
    assert "5 to add, 0 to change, 0 to destroy" in module.plan()
    state = module.apply()
    assert state["values"]["outputs"]["addresses"]["value"] == {
        "events": "https://events.example",
        "users": "https://users.example",
    }
    [variables] = [
        each["values"]["service_config"][0]["environment_variables"]
        for each in state["values"]["root_module"]["resources"]
        if each["address"] == 'google_cloudfunctions2_function.each["users"]'
    ]
    assert variables == {"PROJECT": "1234"}
    assert "No changes." in module.plan()


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("runtime =", "runtimes =", 'An argument named "runtimes" is not expected here'),
        ("build_config {", "build_configs {", 'Blocks of type "build_configs" are not expected'),
        ('cloudfunctions2_function" "', 'cloudfunctions3_function" "', "not support resource type"),
        ("location =", "# location =", 'The argument "location" is required'),
        ('"512Mi"', "[512]", 'Inappropriate value for attribute "available_memory"'),
        ('"ALLOW_ALL"', '"ALLOW_SOME"', '"ALLOW_SOME" is none of ALLOW_ALL, ALLOW_INTERNAL_ONLY'),
        ("  build_config {", "  build_config {}\n  build_config {", "No more than 1"),
        ('template {\n    timeout = "3600s"\n  }', "", 'At least 1 "template" blocks'),
    ],
    ids=[
        "a misspelt argument",
        "a misspelt block",
        "an unknown type",
        "a missing argument",
        "another type",
        "a value that is none of the allowed",
        "a block too many",
        "a block too few",
    ],
)
def test_a_mistake_is_refused(tmp_path: Path, right: str, wrong: str, said: str) -> None:
    text = _FUNCTIONS + _SERVICE
    assert right in text
    module = workspace(tmp_path, text.replace(right, wrong))
    with pytest.raises(RefusedError, match=said):
        module.validate()


def test_a_reference_that_leads_nowhere_is_refused_by_the_plan(tmp_path: Path) -> None:
    module = workspace(tmp_path, _FUNCTIONS.replace("[each.key].email", "[each.key].emale"))
    module.validate()  # sees nothing: it cannot tell what there will be one of for each key
    with pytest.raises(RefusedError, match='does not have an attribute named "emale"'):
        module.plan()


def test_a_nested_reference_that_leads_nowhere_is_refused_by_the_plan(tmp_path: Path) -> None:
    module = workspace(tmp_path, _FUNCTIONS.replace("[0].uri", "[0].url"))
    with pytest.raises(RefusedError, match='does not have an attribute named "url"'):
        module.plan()


def test_another_release_of_the_provider_is_refused(tmp_path: Path) -> None:
    module = tmp_path / "module"
    module.mkdir()
    (module / "main.tf").write_text(_BEGINNING.replace("~> 7.32", "~> 8.0"))
    with pytest.raises(RefusedError, match="no available releases match"):
        Workspace(tmp_path / "work", module).initialize()
