"""The fake of Google's provider: its schemas, and the errors that Terraform finds with them."""

from pathlib import Path

import pytest

from scripts.root import ROOT
from tests.infra.configuration import used_types
from tests.infra.provider import schema
from tests.infra.terraform import TerraformError, Workspace

pytestmark = pytest.mark.terraform

_HEADER = """
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
    for name, each in google_cloudfunctions2_function.each : name => each.service_config[0].uri
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
    """Return an initialized root module with one file."""
    module = place / "module"
    module.mkdir(exist_ok=True)
    (module / "main.tf").write_text(_HEADER + text)
    created = Workspace(
        place / "work", module, provider_values={"google_project": {"number": "1234"}}
    )
    created.initialize()
    return created


def test_schemas_are_those_of_the_used_types() -> None:
    resources, data_sources = used_types(ROOT / "infra")
    schemas = schema.load()
    hint = "generate the file again: tests/infra/provider/bindings.py describes how"
    assert schemas.resources.keys() == resources, hint
    assert schemas.data_sources.keys() == data_sources, hint


def test_apply_of_a_valid_module_leaves_no_changes(tmp_path: Path) -> None:
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
    ("valid", "invalid", "error"),
    [
        ("runtime =", "runtimes =", 'An argument named "runtimes" is not expected here'),
        ("build_config {", "build_configs {", 'Blocks of type "build_configs" are not expected'),
        ('cloudfunctions2_function" "', 'cloudfunctions3_function" "', "not support resource type"),
        ("location =", "# location =", 'The argument "location" is required'),
        ('"512Mi"', "[512]", 'Inappropriate value for attribute "available_memory"'),
        (
            '"ALLOW_ALL"',
            '"ALLOW_SOME"',
            '"ALLOW_SOME" is not one of ALLOW_ALL, ALLOW_INTERNAL_ONLY',
        ),
        ("  build_config {", "  build_config {}\n  build_config {", "No more than 1"),
        ('template {\n    timeout = "3600s"\n  }', "", 'At least 1 "template" blocks'),
    ],
    ids=[
        "misspelt argument",
        "misspelt block",
        "unknown type",
        "missing argument",
        "wrong type",
        "value not allowed",
        "too many blocks",
        "too few blocks",
    ],
)
def test_invalid_module_is_rejected(tmp_path: Path, valid: str, invalid: str, error: str) -> None:
    text = _FUNCTIONS + _SERVICE
    assert valid in text
    module = workspace(tmp_path, text.replace(valid, invalid))
    with pytest.raises(TerraformError, match=error):
        module.validate()


def test_plan_rejects_an_invalid_reference(tmp_path: Path) -> None:
    module = workspace(tmp_path, _FUNCTIONS.replace("[each.key].email", "[each.key].emale"))
    module.validate()  # finds no error: the instances of `for_each` are unknown before the plan
    with pytest.raises(TerraformError, match='does not have an attribute named "emale"'):
        module.plan()


def test_plan_rejects_an_invalid_nested_reference(tmp_path: Path) -> None:
    module = workspace(tmp_path, _FUNCTIONS.replace("[0].uri", "[0].url"))
    with pytest.raises(TerraformError, match='does not have an attribute named "url"'):
        module.plan()


def test_init_rejects_another_provider_release(tmp_path: Path) -> None:
    module = tmp_path / "module"
    module.mkdir()
    (module / "main.tf").write_text(_HEADER.replace("~> 7.32", "~> 8.0"))
    with pytest.raises(TerraformError, match="no available releases match"):
        Workspace(tmp_path / "work", module).initialize()
