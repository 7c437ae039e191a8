"""Discord's own OpenAPI, against which requests are checked wherever the file is.

It is no part of the project: without it, our own limits have to do. It takes more than Discord does,
so that both are needed.
"""

import json
import re
from functools import cache, lru_cache

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests import real_inputs

from .checking.messages import KEPT_ATTACHMENT

FILE = real_inputs.FOLDER.parent / "specs" / "discord-openapi.json"
SAY_TTS = (
    "BaseCreateMessageCreateRequest",
    "IncomingWebhookUpdateRequestPartial",
    "IncomingWebhookUpdateForInteractionCallbackRequestPartial",
    "MessageEditRequestPartial",
)
KINDS = ("type", "entity_type")
_URI = "urn:discord"
_PART = re.compile(r"\{\w+\}|@original")


def findings_of(record):
    """Give what Discord's OpenAPI finds wrong with a request; nothing where the file is not."""
    if record.body is None or not FILE.exists():
        return []
    return _findings(record.method, record.route, json.dumps(record.body))


@lru_cache(maxsize=4096)
def _findings(method, route, body):
    """Tests register the same commands again and again, and to check them takes long."""
    validator = _validator(method, _PART.sub("{}", route))
    if validator is None:
        return [((), "FIELD_UNKNOWN", "Discord takes no body here")] if body != "{}" else []
    return [_finding(error) for error in validator.iter_errors(json.loads(body))]


def _finding(error):
    """Give the deepest error, which names the field rather than the whole message."""
    deepest = _deepest(error)
    return tuple(deepest.absolute_path), "OPENAPI", deepest.message[-300:]


def _deepest(error):
    """Follow, where one of several kinds may stand, the kind that was meant by its type."""
    branches = {}
    for inner in error.context:
        branches.setdefault(inner.schema_path[0], []).append(inner)
    for errors in branches.values():
        other = any(e.validator == "enum" and e.path and e.path[-1] in KINDS for e in errors)
        if not other and errors[0].validator != "type":
            return _deepest(errors[0])
    return error


@cache
def _specification():
    """Give the document, made strict: an unknown field is an error.

    discord.py writes some ids as integers, says of commands whether they are ``nsfw``, of forum
    threads which type they are, of embeds that they have no ``flags``, of attachments that stay all
    that it knows, and ``tts`` when it edits: Discord takes that, and its OpenAPI does not.
    """
    document = json.loads(FILE.read_text())
    schemas = document["components"]["schemas"]
    _close(schemas)
    schemas["SnowflakeType"] = {"type": ["string", "integer"], "pattern": "^[0-9]+$"}
    schemas["MessageAttachmentRequest"]["properties"] |= dict.fromkeys(KEPT_ATTACHMENT, True)
    schemas["ApplicationCommandUpdateRequest"]["properties"]["nsfw"] = {"type": "boolean"}
    schemas["RichEmbed"]["properties"]["flags"] = {"const": 0}
    schemas["CreateForumThreadRequest"]["properties"]["type"] = {"const": 11}
    for name in SAY_TTS:
        schemas[name]["properties"]["tts"] = {"type": "boolean"}
    return document


def _close(node):
    if isinstance(node, dict):
        if "properties" in node and node.get("type") == "object":
            node.setdefault("additionalProperties", False)
        for part in node.values():
            _close(part)
    elif isinstance(node, list):
        for part in node:
            _close(part)


@cache
def _operations():
    """Give the schema of each body, by method and path without the names of its parts."""
    found = {}
    for path, operations in _specification()["paths"].items():
        for method, operation in operations.items():
            if not isinstance(operation, dict):
                continue
            content = operation.get("requestBody", {}).get("content", {})
            if "application/json" in content:
                found[method.upper(), _PART.sub("{}", path)] = (path, method)
    return found


@cache
def _validator(method, route):
    if (method, route) not in _operations():
        return None
    path, method = _operations()[method, route]
    pointer = (
        f"/paths/{path.replace('/', '~1')}/{method}/requestBody/content/application~1json/schema"
    )
    pointer = pointer.replace("{", "%7B").replace("}", "%7D")
    resource = Resource.from_contents(_specification(), default_specification=DRAFT202012)
    registry = Registry().with_resource(_URI, resource)
    return Draft202012Validator({"$ref": f"{_URI}#{pointer}"}, registry=registry)
