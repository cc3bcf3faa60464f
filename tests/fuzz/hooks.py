"""What the fuzzer sends where JSON Schema allows more than JSON parsers do."""

import schemathesis


def _whole(value):
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    return value


@schemathesis.hook
def map_body(_context, body):
    """1.0 is an integer to JSON Schema, and a fraction to API Gateway."""
    return _whole(body)
