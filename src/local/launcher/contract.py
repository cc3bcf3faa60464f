"""What a REST API's document says beyond its paths, as API Gateway imports it.

ministack has request validators, models, gateway responses and the templates of mock
integrations, and applies them; of a document it imports only methods, what they call and
who authorises. This imports the rest:

- `x-amazon-apigateway-request-validators` and `x-amazon-apigateway-request-validator`
- parameters and bodies of operations, and `components.schemas`
- `x-amazon-apigateway-gateway-responses`
- `requestTemplates`, `responses` and `timeoutInMillis` of integrations
"""

import contextvars
import json

import ministack.services.apigateway_v1 as gateway

_REFERENCE = "#/components/schemas/"
_MODELS = "https://apigateway.amazonaws.com/restapis/{}/models/{}"

_plain_import = gateway._import_rest_api
_plain_item = gateway._import_path_item
_plain_operation = gateway._import_operation

# The document that is being imported, its API once that is there, and its validators by name.
_document = contextvars.ContextVar("document", default=None)


def _begin(api_id, spec):
    """Makes what methods refer to."""
    state = {"spec": spec, "api": api_id, "validators": {}}
    for name, rules in (spec.get("x-amazon-apigateway-request-validators") or {}).items():
        _status, _headers, body = gateway._create_request_validator(api_id, {"name": name, **rules})
        state["validators"][name] = json.loads(body)["id"]
    for name, schema in ((spec.get("components") or {}).get("schemas") or {}).items():
        text = json.dumps(_as_model(schema, api_id))
        gateway._create_model(api_id, {"name": name, "schema": text})
    for kind, response in (spec.get("x-amazon-apigateway-gateway-responses") or {}).items():
        status, _headers, body = gateway._put_gateway_response(api_id, kind, response)
        if status >= 400:
            raise ValueError(f"gateway response {kind}: {body!r}")
    return state


def _as_model(schema, api_id):
    """A schema of the document as one of a model: references name models."""
    if isinstance(schema, list):
        return [_as_model(item, api_id) for item in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: _as_model(value, api_id) for key, value in schema.items()}
    reference = out.get("$ref")
    if isinstance(reference, str) and reference.startswith(_REFERENCE):
        out["$ref"] = _MODELS.format(api_id, reference[len(_REFERENCE):])
    return out


def _import(spec, base_data=None):
    token = _document.set({"spec": spec, "api": None})
    try:
        return _plain_import(spec, base_data)
    finally:
        _document.reset(token)


def _item(api_id, *rest, **named):
    state = _document.get()
    if state is not None and state["api"] is None:
        # The API has its id only now.
        state.update(_begin(api_id, state["spec"]))
    return _plain_item(api_id, *rest, **named)


def _operation(api_id, resource_id, http_method, operation, *rest, **named):
    _plain_operation(api_id, resource_id, http_method, operation, *rest, **named)
    state, operation = _document.get(), operation or {}
    if state is None:
        return
    method = gateway._resources[api_id][resource_id]["resourceMethods"][http_method]
    validator = operation.get("x-amazon-apigateway-request-validator",
                              state["spec"].get("x-amazon-apigateway-request-validator"))
    method["requestValidatorId"] = state["validators"].get(validator)
    places = {"query": "querystring", "header": "header", "path": "path"}
    method["requestParameters"] = {
        f"method.request.{places[it['in']]}.{it['name']}": bool(it.get("required"))
        for it in operation.get("parameters") or [] if it.get("in") in places}
    method["requestModels"] = _models(api_id, resource_id, http_method, operation)
    _integration(method.get("methodIntegration"),
                 operation.get("x-amazon-apigateway-integration") or {})


def _models(api_id, resource_id, http_method, operation):
    """The model of each kind of body; one without a name of its own is made."""
    models = {}
    content = (operation.get("requestBody") or {}).get("content") or {}
    for number, (kind, body) in enumerate(sorted(content.items())):
        schema = body.get("schema") or {}
        reference = schema.get("$ref", "")
        if reference.startswith(_REFERENCE):
            models[kind] = reference[len(_REFERENCE):]
            continue
        name = f"Inline{resource_id}{http_method}{number}"
        gateway._create_model(api_id, {"name": name, "contentType": kind,
                                       "schema": json.dumps(_as_model(schema, api_id))})
        models[kind] = name
    return models


def _integration(integration, described):
    if not integration:
        return
    integration["requestTemplates"] = dict(described.get("requestTemplates") or {})
    if "timeoutInMillis" in described:
        integration["timeoutInMillis"] = described["timeoutInMillis"]
    for pattern, response in (described.get("responses") or {}).items():
        status = str(response.get("statusCode", 200))
        # ministack maps texts alone, and would send the name of anything else.
        fixed = {header: source
                 for header, source in (response.get("responseParameters") or {}).items()
                 if source.startswith("'")}
        integration["integrationResponses"][status] = {
            "statusCode": status, "contentHandling": None,
            "selectionPattern": "" if pattern == "default" else pattern,
            "responseParameters": fixed,
            "responseTemplates": dict(response.get("responseTemplates") or {})}


def install():
    """Lets the import of a document see all of it."""
    gateway._import_rest_api = _import
    gateway._import_path_item = _item
    gateway._import_operation = _operation
