"""API keys that an authoriser names, and the usage plans that a key is on.

API Gateway takes the key by which a request is counted from the authoriser's answer
(`usageIdentifierKey`) where the API says so; ministack knows the request's header alone.
Asked for the plans of one key, it answers with all there are.
"""

import contextvars
import json

import ministack.services.apigateway_v1 as gateway

# Of the request that is being answered: each has a context of its own.
_named = contextvars.ContextVar("usage_identifier_key", default=None)

_plain_authorize = gateway._authorize_request_v1
_plain_invoke = gateway._invoke_authorizer_lambda
_plain_key = gateway._api_key_from_request


async def _authorize(*args, **kwargs):
    _named.set(None)
    return await _plain_authorize(*args, **kwargs)


async def _invoke(*args, **kwargs):
    result = await _plain_invoke(*args, **kwargs)
    answer = (result or {}).get("body")
    if isinstance(answer, (str, bytes)):
        try:
            answer = json.loads(answer)
        except ValueError:
            answer = None
    if isinstance(answer, dict):
        _named.set(answer.get("usageIdentifierKey"))
    return result


def _key(headers):
    return _named.get() or _plain_key(headers)


def _plans(query):
    key = gateway._qp(query, "keyId")
    every = gateway._usage_plans.values()
    on = [plan for plan in every
          if not key or key in (gateway._usage_plan_keys.get(plan["id"], {}) or {})]
    return gateway._v1_paginated_response(on, query)


def install():
    """Lets the gateway hear of the keys that authorisers name, and tell of their plans."""
    gateway._get_usage_plans = _plans
    gateway._authorize_request_v1 = _authorize
    gateway._invoke_authorizer_lambda = _invoke
    gateway._api_key_from_request = _key
