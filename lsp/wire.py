"""Dispatch: each message to its handler, exactly one reply to every request.

pygls's types and converter are used, its loop is not: its reader shares a pool with the handlers,
it leaves requests with bad parameters unanswered and loses the stream at an unusual header (all
seen on 2.1.1). Here a transport hands over bodies, the event loop dispatches them in their order,
and each request is a task, so that a cancel acts at once, also on one that waits for a model.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeGuard

from lsp.errors import (
    INTERNAL_ERROR,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    NOT_INITIALIZED,
    PARSE_ERROR,
    REQUEST_CANCELLED,
    Failure,
    failure_of,
)
from lsp.transports import Transport

logger = logging.getLogger(__name__)

MAX_DEPTH = 100  # of nested JSON; the protocol needs about ten
MAX_NAME = 100  # characters of a method's name that are said back
CANCEL_S = 0.5  # at the end, for what cancelled requests still do; a guess
FAILED = "Postil has failed here; its log says where."

Id = int | str
Handler = Callable[[Any], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Method:
    """A handler and the lsprotocol type of its parameters (None: taken as they come).

    `on_unreadable` is told of a notification's parameters that are not of that type.
    """

    handler: Handler
    params_type: Any = None
    on_unreadable: Callable[[Any], None] | None = None


class Wire:
    """One connection. `run` returns the exit code.

    `load` registers the methods. It is called once, soon after `initialize` was answered: what the
    handlers import takes longer than a client should wait for that answer.
    """

    def __init__(self, transport: Transport, load: Callable[[], None] | None = None) -> None:
        self._transport = transport
        self._load = load
        self._requests: dict[str, Method] = {}
        self._notifications: dict[str, Method] = {}
        self._running: dict[Id, asyncio.Task[None]] = {}
        self._asked: dict[Id, asyncio.Future[Any]] = {}
        self._ids = iter(range(1, 2**62))
        self._starting: Id | None = None  # the request whose task has not begun
        self._waiting: deque[bytes] = deque()
        self._is_initialized = False
        self._is_shut_down = False
        self._ended: asyncio.Future[int] | None = None

    def on_request(self, name: str, method: Method) -> None:
        self._requests[name] = method

    def on_notification(self, name: str, method: Method) -> None:
        self._notifications[name] = method

    async def run(self) -> int:
        """Serve until `exit` or the end of the stream. 0 after a shutdown, else 1."""
        self._ended = asyncio.get_running_loop().create_future()
        self._transport.start(self.receive, self._on_end_of_stream)
        code = await self._ended
        running = list(self._running.values())
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running, timeout=CANCEL_S)
        for future in self._asked.values():
            future.cancel()
        await self._transport.close()
        return code

    def notify(self, method: str, params: Any) -> None:
        self._send({"jsonrpc": "2.0", "method": method, "params": _plain(params)})

    async def request(self, method: str, params: Any) -> Any:
        """Ask the client; the raw result. Raises `Failure` when it answers with an error."""
        request_id = f"postil-{next(self._ids)}"
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._asked[request_id] = future
        try:
            message = {"jsonrpc": "2.0", "id": request_id, "method": method}
            self._send({**message, "params": _plain(params)})
            return await future
        finally:
            self._asked.pop(request_id, None)

    def _on_end_of_stream(self) -> None:
        self.end(0 if self._is_shut_down else 1)

    def end(self, code: int) -> None:
        """Have `run` return this exit code; the first call counts."""
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(code)

    @property
    def _is_ending(self) -> bool:
        return self._ended is not None and self._ended.done()

    def load_now(self) -> None:
        """Register the methods, if that is still to be done. Without them the server ends."""
        if self._load is not None:
            load, self._load = self._load, None
            try:
                load()
            except Exception:
                logger.exception("the methods could not be loaded")
                self.end(1)

    def receive(self, body: bytes) -> None:
        """Dispatch one message, as it came from the transport.

        A request begins before the next message is looked at, so that it sees the documents as
        they were when it was sent.
        """
        if self._is_ending:
            return
        if self._starting is not None:
            self._waiting.append(body)
            return
        try:
            self._dispatch(body)
        except Exception:
            logger.exception("a message could not be dispatched")  # and the next one is

    def _dispatch(self, body: bytes) -> None:
        try:
            message = json.loads(body)
            if _is_deeper(message, MAX_DEPTH):
                raise ValueError("too deep")
        except (ValueError, RecursionError):  # the second from `json`, for what is far deeper
            self._send_error(None, PARSE_ERROR, "The message is not JSON.")
            return
        if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
            self._send_error(None, INVALID_REQUEST, "The message is not a JSON-RPC 2.0 object.")
            return
        method, message_id = message.get("method"), message.get("id")
        if isinstance(method, str):
            if "id" in message:
                self._receive_request(message_id, method, message.get("params"))
            else:
                self._receive_notification(method, message.get("params"))
        elif "result" in message or "error" in message:
            self._receive_reply(message)
        else:
            usable = message_id if _is_id(message_id) else None
            self._send_error(usable, INVALID_REQUEST, "The message has no method.")

    def _receive_request(self, request_id: Any, name: str, params: Any) -> None:
        if not _is_id(request_id):
            self._send_error(None, INVALID_REQUEST, "A request's id is a number or a text.")
        elif request_id in self._running:
            self._send_error(request_id, INVALID_REQUEST, "This id is in use.")
        elif self._is_shut_down:
            self._send_error(request_id, INVALID_REQUEST, "The server is shutting down.")
        elif not self._is_initialized and name != "initialize":
            self._send_error(request_id, NOT_INITIALIZED, "The server is not initialized yet.")
        elif self._is_initialized and name == "initialize":
            self._send_error(request_id, INVALID_REQUEST, "The server is initialized already.")
        elif name == "shutdown":
            self._is_shut_down = True
            for task in self._running.values():
                task.cancel()
            self._send({"jsonrpc": "2.0", "id": request_id, "result": None})
        else:
            if name == "initialize":
                self._is_initialized = True
            else:
                self.load_now()
            if self._is_ending:
                self._send_error(request_id, INTERNAL_ERROR, FAILED)
            else:
                self._start(request_id, name, params)

    def _start(self, request_id: Id, name: str, params: Any) -> None:
        method = self._requests.get(name)
        if method is None:
            self._send_error(request_id, METHOD_NOT_FOUND, f"There is no method {name[:MAX_NAME]}.")
            return
        task = asyncio.ensure_future(self._answer(request_id, name, method, params))
        self._running[request_id] = task
        self._starting = request_id
        task.add_done_callback(lambda done: self._finished(request_id, done))

    def _finished(self, request_id: Id, task: asyncio.Task[None]) -> None:
        """A cancelled request is answered here: its task may have ended before it began."""
        self._running.pop(request_id, None)
        self._begun(request_id)
        if task.cancelled():
            self._send_error(request_id, REQUEST_CANCELLED, "Cancelled.")

    def _begun(self, request_id: Id) -> None:
        """Go on with the messages that waited for this request to begin.

        The end of another request, which comes at any time, must not let them pass.
        """
        if self._starting != request_id:
            return
        self._starting = None
        while self._waiting and self._starting is None:
            self.receive(self._waiting.popleft())

    async def _answer(self, request_id: Id, name: str, method: Method, params: Any) -> None:
        # after the first step of this
        asyncio.get_running_loop().call_soon(self._begun, request_id)
        try:
            result = _plain(await method.handler(_structured(method, params)))
            answer = _encoded({"jsonrpc": "2.0", "id": request_id, "result": result})
        except Exception as error:
            if name == "initialize":
                self._is_initialized = False  # the client may try again
            failure = failure_of(error)
            if failure is None:
                logger.exception("a request failed")
                failure = Failure(INTERNAL_ERROR, FAILED)
            self._send_error(request_id, failure.code, str(failure))
        else:
            self._transport.send(answer)

    def _receive_notification(self, name: str, params: Any) -> None:
        if name == "exit":
            self.end(0 if self._is_shut_down else 1)
        elif name == "$/cancelRequest":
            target = params.get("id") if isinstance(params, dict) else None
            if _is_id(target) and (task := self._running.get(target)):
                task.cancel()
        elif self._is_initialized and not self._is_shut_down:
            self.load_now()
            if method := self._notifications.get(name):
                try:
                    work = method.handler(_structured(method, params))
                except Failure as failure:
                    logger.warning("%s: %s", name, failure)
                    if method.on_unreadable is not None:
                        method.on_unreadable(params)
                else:
                    self._run_notification(name, work)

    def _run_notification(self, name: str, work: Awaitable[None]) -> None:
        """Run up to the first await at once, so that changes keep the order in which they came."""

        async def run() -> None:
            try:
                await work
            except Exception as error:
                if failure := failure_of(error):
                    logger.warning("%s: %s", name, failure)
                else:
                    logger.exception("%s failed", name)

        coroutine = run()
        try:
            coroutine.send(None)
        except StopIteration:
            return
        coroutine.close()
        raise AssertionError(f"{name} must not wait; start a task for what takes time")

    def _receive_reply(self, message: dict[str, Any]) -> None:
        reply_to = message.get("id")
        future = self._asked.get(reply_to) if _is_id(reply_to) else None
        if future is None or future.done():
            return  # nobody waits any more: the case that raises in pygls 2.1.1
        if (error := message.get("error")) is not None:
            error = error if isinstance(error, dict) else {}
            code = error.get("code")
            code = code if isinstance(code, int) else INTERNAL_ERROR
            future.set_exception(Failure(code, str(error.get("message", ""))))
        else:
            future.set_result(message.get("result"))

    def _send_error(self, request_id: Id | None, code: int, sentence: str) -> None:
        error = {"code": code, "message": sentence}
        self._send({"jsonrpc": "2.0", "id": request_id, "error": error})

    def _send(self, message: dict[str, Any]) -> None:
        self._transport.send(_encoded(message))


def _is_id(value: Any) -> TypeGuard[Id]:
    return isinstance(value, int | str) and not isinstance(value, bool)


def _structured(method: Method, params: Any) -> Any:
    if method.params_type is None:
        return params
    from lsp.convert import structured

    return structured(params, method.params_type)


def _plain(value: Any) -> Any:
    """Handlers give dicts of plain data, or the protocol's types, alone or in lists."""
    if value is None or isinstance(value, dict | str | int):
        return value
    from lsp.convert import plain

    return plain(value)


def _encoded(message: dict[str, Any]) -> bytes:
    """Raises `TypeError` and `ValueError` for what JSON cannot take."""
    return json.dumps(message, ensure_ascii=True, allow_nan=False).encode()


def _is_deeper(value: Any, limit: int) -> bool:
    """Whether lists and objects stand more than `limit` deep in each other.

    A level at a time: a text costs nothing, however long, and no depth is too much.
    """
    level = [value]
    for _ in range(limit):
        level = [i for outer in level for i in _inside(outer) if isinstance(i, dict | list)]
        if not level:
            return False
    return True


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
