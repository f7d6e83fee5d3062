"""The OpenAPI 3.1 document, generated from the declared routes.

Source: https://spec.openapis.org/oas/v3.1.0
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from shared.web.callers import CallerAuth, UserAuth
from shared.web.problems import MEDIA_TYPE
from shared.web.routes import Route

_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}
_RETRYABLE = (
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
)
_WWW_AUTHENTICATE = {
    "description": "How to present credentials.",
    "schema": {"type": "string"},
}
_PURCHASE_SCHEME = "purchaseToken"
_API_KEY_SCHEME = "apiKey"
_SECURITY_SCHEMES = {
    _API_KEY_SCHEME: {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "A key that the operator of the server assigns.",
    },
    _PURCHASE_SCHEME: {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`<Store> <token>` or `Bearer <Store> <token>`; the stores are Web, Google, "
        "Apple and RevenueCat.",
    },
}
_RETRY_AFTER = {
    "description": "The seconds to wait before a retry.",
    "schema": {"type": "integer", "minimum": 0},
}
_ETAG = {"description": "The version of the content.", "schema": {"type": "string"}}

Document = dict[str, Any]


def describe(routes: Sequence[Route]) -> Document:
    """Return the document of all public `routes`, with the prefix `/v2`."""
    # Routes for pushed messages are internal.
    routes = [route for route in routes if not route.is_pushed_to]
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = []
    for route in routes:
        if route.has_body:
            models.append((route.request, "validation"))
        if route.response:
            models.append((route.response, "serialization"))
    # One call for all models, so that shared definitions have one name.
    schemas, definitions = models_json_schema(models, ref_template="#/components/schemas/{model}")
    paths: defaultdict[str, Document] = defaultdict(dict)
    for route in routes:
        paths[f"/v2{route.path}"][route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "LiftLog", "version": "2"},
        "paths": paths,
        "components": {
            "schemas": {**definitions.get("$defs", {}), "Problem": _PROBLEM},
            "securitySchemes": {
                name: _SECURITY_SCHEMES[name]
                for name in _SECURITY_SCHEMES
                if any(name in _schemes(route) for route in routes)
            },
        },
    }


def _operation(route: Route, schemas: dict[Any, Document]) -> Document:
    operation: Document = {"summary": route.summary, "responses": _responses(route, schemas)}
    if schemes := _schemes(route):
        # One of them is enough.
        operation["security"] = [{scheme: []} for scheme in schemes]
    if route.has_body:
        schema = schemas[route.request, "validation"]
        operation["requestBody"] = {
            "required": True,
            "content": _content("application/json", schema),
        }
    elif route.max_upload_bytes is not None:
        content = _content("application/octet-stream", {"type": "string", "format": "binary"})
        operation["requestBody"] = {"required": True, "content": content}
    else:
        operation["parameters"] = list(_parameters(route))
    return operation


def _schemes(route: Route) -> Sequence[str]:
    """Return the names of the security schemes that a route accepts."""
    if isinstance(route.auth, CallerAuth):
        return _API_KEY_SCHEME, _PURCHASE_SCHEME
    return (_API_KEY_SCHEME,) if isinstance(route.auth, UserAuth) else ()


def _parameters(route: Route) -> Iterator[Document]:
    properties = route.request.model_json_schema().get("properties", {})
    for field in route.request.model_fields.values():
        yield {
            "name": field.alias,
            "in": "query" if route.from_query else "path",
            "required": field.is_required(),
            "schema": properties[field.alias] if route.from_query else {"type": "string"},
        }


def _responses(route: Route, schemas: dict[Any, Document]) -> Document:
    success: Document = {"description": HTTPStatus.OK.phrase}
    if route.response:
        success["content"] = _content("application/json", schemas[route.response, "serialization"])
    others: Document = {}
    if route.download_type:
        success["content"] = _content(route.download_type, {"type": "string", "format": "binary"})
        success["headers"] = {"ETag": _ETAG}
        others = {
            "206": {**success, "description": HTTPStatus.PARTIAL_CONTENT.phrase},
            "304": {"description": HTTPStatus.NOT_MODIFIED.phrase},
        }
    errors = {str(status.value): _error_response(route, status) for status in route.statuses}
    return {"200": success, **others, **errors}


def _error_response(route: Route, status: HTTPStatus) -> Document:
    response: Document = {
        "description": status.phrase,
        "content": _content(MEDIA_TYPE, {"$ref": "#/components/schemas/Problem"}),
    }
    if status in _RETRYABLE:
        response["headers"] = {"Retry-After": _RETRY_AFTER}
    if status == HTTPStatus.UNAUTHORIZED and _schemes(route):
        response["headers"] = {"WWW-Authenticate": _WWW_AUTHENTICATE}
    return response


def _content(media_type: str, schema: Document) -> Document:
    return {media_type: {"schema": schema}}
