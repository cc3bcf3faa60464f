"""X-Ray: what functions tell their daemon, and the calls that read it back.

ministack hands each invocation a trace id and keeps nothing. Here is what stands beside a
function on AWS: a daemon that takes segments over UDP, the service's own segments of an
invocation, and PutTraceSegments, BatchGetTraces and GetTraceSummaries without filters.

Documents: https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html
"""

import collections
import contextvars
import json
import re
import secrets
import socket
import threading
import time

import ministack.core.lambda_runtime as lambda_runtime
import ministack.services.lambda_svc as lambdas

# Oldest first out: the emulator runs for days.
_TRACES = 2000
_SEGMENTS = 1000
_BODY = 1024 * 1024
_PATHS = ("/TraceSegments", "/Traces", "/TraceSummaries")
_ROOT = re.compile(r"1-[0-9a-f]{8}-[0-9a-f]{24}\Z")

_lock = threading.Lock()
_traces = collections.OrderedDict()
_inbound = contextvars.ContextVar("platformctl_trace", default=None)
_daemon = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


def _put(document):
    """Keeps a segment; returns its id, or None if it is none."""
    try:
        segment = json.loads(document) if isinstance(document, (str, bytes)) else document
        trace, identity = segment["trace_id"], segment["id"]
        float(segment["start_time"])
    except (KeyError, TypeError, ValueError):
        return None
    if not _ROOT.match(str(trace)):
        return None
    with _lock:
        segments = _traces.setdefault(trace, {})
        if len(segments) < _SEGMENTS:
            segments[identity] = segment
        while len(_traces) > _TRACES:
            _traces.popitem(last=False)
    return identity


def _listen():
    while True:
        header, _, document = _daemon.recv(65536).partition(b"\n")
        if header.startswith(b"{"):
            _put(document)


# --- Invocations ---------------------------------------------------------

def _fields(header):
    return dict(part.split("=", 1) for part in (header or "").split(";") if "=" in part)


_plain_trace_id = lambdas._xray_trace_id_for_invocation


def _trace_id(config, inbound_trace_header=None):
    """The caller's trace where it named one and the function is traced."""
    mode = (config.get("TracingConfig") or {}).get("Mode")
    inbound = inbound_trace_header or _inbound.get()
    if inbound and _ROOT.match(_fields(inbound).get("Root", "")):
        return inbound
    return _plain_trace_id(config) if mode == "Active" else None


def _id():
    return secrets.token_hex(8)


def _traced(plain):
    """An invocation with the two segments that Lambda writes: its own, and the function's."""
    def invoke(self, event, request_id, *, trace_id=None, **kwargs):
        fields = _fields(trace_id)
        if fields.get("Sampled") != "1":
            return plain(self, event, request_id, trace_id=trace_id, **kwargs)
        service, function = _id(), _id()
        header = f"Root={fields['Root']};Parent={function};Sampled=1"
        self._platformctl_init = None
        started = time.time()
        answer = plain(self, event, request_id, trace_id=header, **kwargs)
        ended = time.time()
        failed = answer.get("status") != "ok"
        arn = kwargs.get("invoked_function_arn") or self.config.get("FunctionArn", "")
        common = {"trace_id": fields["Root"], "name": self.func_name, "fault": failed,
                  "aws": {"request_id": request_id, "resource_arn": arn}}
        caller = {"parent_id": fields["Parent"]} if _inbound.get() and "Parent" in fields else {}
        _put({**common, **caller, "id": service, "origin": "AWS::Lambda",
              "start_time": started, "end_time": ended})
        init = self._platformctl_init
        begun, parts = started, []
        if init:
            begun = init[1]
            parts = [{"id": _id(), "name": "Initialization", "start_time": init[0],
                      "end_time": init[1]}]
        _put({**common, "id": function, "parent_id": service,
              "origin": "AWS::Lambda::Function", "start_time": begun, "end_time": ended,
              "subsegments": parts})
        return answer
    return invoke


def _timed(plain):
    def spawn(self, *args, **kwargs):
        started = time.time()
        plain(self, *args, **kwargs)
        self._platformctl_init = (started, time.time())
    return spawn


def _inbound_of(plain):
    async def invoke(name, event, headers, *args, **kwargs):
        given = next((value for key, value in (headers or {}).items()
                      if key.lower() == "x-amzn-trace-id"), None)
        token = _inbound.set(given)
        try:
            return await plain(name, event, headers, *args, **kwargs)
        finally:
            _inbound.reset(token)
    return invoke


# --- The API -------------------------------------------------------------

def is_asked(scope):
    """Whether a request is one of X-Ray's."""
    if scope.get("path") not in _PATHS or scope.get("method") != "POST":
        return False
    signed = dict(scope.get("headers") or []).get(b"authorization", b"")
    return b"/xray/aws4_request" in signed


def _start(segment):
    return segment["start_time"]


def _summary(trace, segments):
    whole = [segment for segment in segments if segment.get("type") != "subsegment"]
    starts = [segment["start_time"] for segment in segments]
    ends = [segment.get("end_time") or segment["start_time"] for segment in segments]
    return {"Id": trace, "StartTime": min(starts), "Duration": max(ends) - min(starts),
            "ResponseTime": max(ends) - min(starts), "IsPartial": False,
            "HasFault": any(segment.get("fault") for segment in segments),
            "HasError": any(segment.get("error") for segment in segments),
            "HasThrottle": any(segment.get("throttle") for segment in segments),
            "EntryPoint": {"Name": min(whole or segments, key=_start).get("name", "")}}


def _answer(path, body):
    if path == "/TraceSegments":
        refused = [{"ErrorCode": "ParseError", "Message": "not a segment"}
                   for document in body["TraceSegmentDocuments"] if _put(document) is None]
        return {"UnprocessedTraceSegments": refused}
    with _lock:
        known = {trace: list(segments.values()) for trace, segments in _traces.items()}
    if path == "/Traces":
        wanted = body["TraceIds"]
        return {
            "Traces": [{
                "Id": trace, "Duration": _summary(trace, known[trace])["Duration"],
                "LimitExceeded": False,
                "Segments": [{"Id": segment["id"], "Document": json.dumps(segment)}
                             for segment in known[trace]],
            } for trace in wanted if trace in known],
            "UnprocessedTraceIds": [trace for trace in wanted if trace not in known]}
    if body.get("FilterExpression"):
        raise ValueError("the local platform has no filter expressions")
    summaries = [_summary(trace, segments) for trace, segments in known.items()]
    start, end = float(body["StartTime"]), float(body["EndTime"])
    return {"TraceSummaries": [it for it in summaries if start <= it["StartTime"] <= end],
            "ApproximateTime": time.time(), "TracesProcessedCount": len(summaries)}


async def answer(scope, receive, send):
    """Reads a request and answers it."""
    body, more = b"", True
    while more and len(body) <= _BODY:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    status = 200
    try:
        result = _answer(scope["path"], json.loads(body or b"{}"))
    except (KeyError, TypeError, ValueError) as error:
        status, result = 400, {"__type": "InvalidRequestException", "Message": str(error)}
    await send({"type": "http.response.start", "status": status,
                "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": json.dumps(result).encode()})


def environment(variables):
    """The variables of a function, with the daemon's address."""
    host, port = _daemon.getsockname()
    return {**variables, "AWS_XRAY_DAEMON_ADDRESS": f"{host}:{port}"}


def install():
    """Begins to listen, and patches the invocations."""
    _daemon.bind(("127.0.0.1", 0))
    threading.Thread(target=_listen, daemon=True, name="x-ray").start()
    lambdas._xray_trace_id_for_invocation = _trace_id
    lambdas._invoke = _inbound_of(lambdas._invoke)
    worker = lambda_runtime.ProvidedWorker
    worker.invoke = _traced(worker.invoke)
    worker._spawn = _timed(worker._spawn)
