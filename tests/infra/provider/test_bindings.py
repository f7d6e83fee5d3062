"""The generator of the provider's schemas."""

import json

import pytest

from tests.infra.provider.bindings import format_json, read
from tests.infra.provider.schema import SCHEMAS

_SOURCE = """
export interface ThingConfig extends cdktf.TerraformMetaArguments {
  /**
  * Which way. Default value: "UP" Possible values: ["UP", "DOWN"]
  *
  * Docs: {@link https://example.org/docs#direction Thing#direction}
  */
  readonly direction?: string;
  /**
  * Docs: {@link https://example.org/docs#name Thing#name}
  */
  readonly name: string;
}
export class ThingPartsOutputReference extends cdktf.ComplexObject {

  // size - computed: false, optional: false, required: true
  private _size?: number;
  public get size() {
    return this.getNumberAttribute('size');
  }
}
export class ThingPartsList extends cdktf.ComplexList {
}
export class ThingOneOutputReference extends cdktf.ComplexObject {

  // tags - computed: false, optional: true, required: false
  private _tags?: string[];
  public get tags() {
    return cdktf.Fn.tolist(this.getListAttribute('tags'));
  }
}
export class Thing extends cdktf.TerraformResource {
  public static readonly tfResourceType = "google_thing";

  // direction - computed: false, optional: true, required: false
  private _direction?: string;
  public get direction() {
    return this.getStringAttribute('direction');
  }

  // name - computed: false, optional: false, required: true
  public get name() {
    return this.getStringAttribute('name');
  }

  // labels - computed: true, optional: true, required: false
  private _labels = new cdktf.StringMap(this, "labels");

  // status - computed: true, optional: false, required: false
  private _status = new ThingPartsList(this, "status", false);

  // parts - computed: false, optional: true, required: false
  private _parts = new ThingPartsList(this, "parts", true);

  // one - computed: false, optional: false, required: true
  private _one = new ThingOneOutputReference(this, "one");

  // =========
  // SYNTHESIS
  // =========
}
export class Google extends cdktf.TerraformProvider {
  // project - computed: false, optional: true, required: false
  private _project?: string;

  // emulator_custom_endpoint - computed: false, optional: true, required: false
  private _emulator?: string;
}
"""
_PART = {"attributes": {"size": ["number", "required"]}}


def test_read_returns_the_schema_of_a_class() -> None:
    schemas = read([_SOURCE], {"google_thing"}, set())
    assert schemas["resources"]["google_thing"] == {
        "attributes": {
            "direction": ["string", "optional", ["UP", "DOWN"]],
            "name": ["string", "required"],
            "labels": [["map", "string"], "optional computed"],
            "status": [["list", ["object", {"size": "number"}]], "computed"],
        },
        "blocks": {
            "parts": {"nesting": "set", "min": 0, "max": 0, **_PART},
            "one": {
                "nesting": "list",
                "min": 1,
                "max": 1,
                "attributes": {"tags": [["set", "string"], "optional"]},
            },
        },
    }
    assert schemas["provider"]["google"] == {"attributes": {"project": ["string", "optional"]}}


def test_read_rejects_a_type_without_bindings() -> None:
    with pytest.raises(ValueError, match=r"do not have google_thong$"):
        read([_SOURCE], {"google_thing", "google_thong"}, set())


def test_schema_file_has_the_generated_format() -> None:
    assert format_json(json.loads(SCHEMAS.read_text())) == SCHEMAS.read_text()
