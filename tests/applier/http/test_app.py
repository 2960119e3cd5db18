"""The HTTP server over a real loopback connection."""

from __future__ import annotations

import asyncio
import json
import logging
import socket

import httpx
import jsonschema
import openai
import pytest
from structlog.testing import capture_logs

from applier import Applier
from applier.http.config import HttpConfig
from applier.http.listener import Listener
from applier.http.openapi import document
from applier.http.run import running_http_server
from applier.types import EditRequest
from tests.applier.appliers import FaultyApplier
from tests.applier.http.serving import BLOCK, FILE, MERGED, morph, serve

CHAT, APPLY = "/v1/chat/completions", "/v1/code/apply"
UNREADABLE = "<<<<<<< SEARCH\nnot there\n=======\nb\n>>>>>>> REPLACE\n"


def valid(body, name):
    """`body` is what the OpenAPI document says of it."""
    schema = {**document()["components"]["schemas"][name], "components": document()["components"]}
    jsonschema.validate(body, schema)
    return body


def library(**fields):
    return Applier.without_model().apply(EditRequest(FILE.encode(), BLOCK.encode(), **fields))


def test_a_chat_completion_has_the_new_file_and_the_librarys_receipt():
    async def call(client):
        answer = await client.post(CHAT, json=morph(instruction="do it"))
        body = valid(answer.json(), "ChatResponse")
        expected = library(instruction="do it").receipt
        assert answer.status_code == 200
        assert body["choices"][0]["message"]["content"] == MERGED
        assert body["choices"][0]["finish_reason"] == "stop"
        assert body["system_fingerprint"] == expected.fingerprint
        names = ("Fingerprint", "Request", "Result")
        assert [answer.headers[f"X-Samebytes-{name}"] for name in names] == [
            expected.fingerprint,
            expected.request_sha256,
            expected.result_sha256,
        ]

    serve(call)


def test_a_stream_joined_is_the_new_file():
    long = "".join(f"line {number} é\n" for number in range(9000)) + FILE

    async def call(client):
        body = {**morph(code=long), "stream": True, "stream_options": {"include_usage": True}}
        answer = await client.post(CHAT, json=body)
        assert answer.headers["content-type"].startswith("text/event-stream")
        *lines, done = [line for line in answer.text.split("\n\n") if line]
        assert done == "data: [DONE]"
        events = [json.loads(line.removeprefix("data: ")) for line in lines]
        pieces = [event["choices"][0]["delta"].get("content", "") for event in events if event["choices"]]
        assert "".join(pieces) == long.replace("b = 2", "b = 3")
        assert len(pieces) > 4
        assert events[-1]["usage"]["total_tokens"] == 0
        assert events[-2]["choices"][0]["finish_reason"] == "stop"

    serve(call)


@pytest.mark.parametrize("names", [("initial_code", "edit_snippet"), ("initialCode", "editSnippet")])
@pytest.mark.parametrize("said", ["instruction", "instructions"])
def test_code_apply_in_both_spellings(names, said):
    async def call(client):
        answer = await client.post(
            APPLY, json={names[0]: FILE, names[1]: BLOCK, said: "do it", "model": "auto"}
        )
        body = valid(answer.json(), "ApplyResponse")
        assert body["mergedCode"] == body["merged_code"] == MERGED
        assert body["usage"] == {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
        assert answer.headers["X-Samebytes-Request"] == library(instruction="do it").receipt.request_sha256

    serve(call)


def test_path_and_language_come_by_header_or_in_the_body():
    async def call(client):
        by_header = {"X-Samebytes-Path": "src/ä.py".encode(), "X-Samebytes-Language": b"python"}
        in_body = {**morph(), "samebytes": {"path": "src/ä.py", "language": "python"}}
        expected = library(path="src/ä.py", language="python").receipt.request_sha256
        for answer in (
            await client.post(CHAT, json=morph(), headers=by_header),
            await client.post(CHAT, json=in_body),
        ):
            assert answer.headers["X-Samebytes-Request"] == expected

    serve(call)


def test_sampling_has_no_effect():
    async def call(client):
        sampled = {"temperature": 1.9, "seed": 7, "max_tokens": 1, "top_p": 0.1, "n": 3, "model": "gpt-9"}
        plain = await client.post(CHAT, json=morph())
        other = await client.post(CHAT, json={**morph(), **sampled})
        assert plain.headers["X-Samebytes-Request"] == other.headers["X-Samebytes-Request"]
        assert plain.json()["choices"] == other.json()["choices"]

    serve(call)


@pytest.mark.parametrize("stream", [False, True])
def test_a_refusal_is_422_with_a_message_for_the_agent(stream):
    code = "".join(f"row {number}\n" for number in range(5)) + "x = 1\ny\nx = 1\n"
    edit = "<<<<<<< SEARCH\nx = 1\n=======\nx = 2\n>>>>>>> REPLACE\n"

    async def call(client):
        answer = await client.post(CHAT, json={**morph(code, edit), "stream": stream})
        error = valid(answer.json(), "Error")["error"]
        assert answer.status_code == 422
        assert error["code"] == "ambiguous_match"
        assert error["candidates"] == [{"start": 6, "end": 6}, {"start": 8, "end": 8}]
        assert "lines 6, 8" in error["message"]
        assert "     6  x = 1" in error["message"]
        assert answer.headers["X-Samebytes-Status"] == "refused"

    serve(call)


def test_the_openai_client_raises_the_message_and_does_not_try_again():
    async def call(client):
        async with openai.AsyncOpenAI(api_key="x", base_url=f"{client.base_url}/v1") as ours:
            with pytest.raises(openai.UnprocessableEntityError, match="no_match: The block at line 1"):
                await ours.chat.completions.create(**morph(edit=UNREADABLE))
            done = await ours.chat.completions.create(**morph(), seed=1, temperature=0)
            assert done.choices[0].message.content == MERGED
            stream = await ours.chat.completions.create(**morph(), stream=True)
            pieces = [chunk.choices[0].delta.content or "" async for chunk in stream]
            assert "".join(pieces) == MERGED
            assert [model.id async for model in ours.models.list()] == ["samebytes"]
            assert (await ours.models.retrieve("samebytes")).owned_by == "samebytes"

    serve(call, Applier.without_model())


@pytest.mark.parametrize(
    ("path", "content", "status", "code"),
    [
        (CHAT, b"", 400, "invalid_json"),
        (CHAT, b"\xff", 400, "invalid_json"),
        (CHAT, b"[" * 100_000, 400, "invalid_json"),
        (CHAT, b"1" * 10_000, 400, "invalid_json"),
        (CHAT, b"[]", 400, "invalid_json"),
        (CHAT, b"{}", 400, "invalid_prompt"),
        (APPLY, b"{}", 400, "invalid_value"),
        (APPLY, b'{"initial_code": 1, "edit_snippet": "a"}', 400, "invalid_value"),
        (APPLY, b'{"initial_code": "\\ud800", "edit_snippet": "a"}', 400, "invalid_value"),
        (APPLY, b'{"initial_code": "a", "edit_snippet": "a", "samebytes": 1}', 400, "invalid_value"),
        (APPLY, b'{"initial_code": "a", "edit_snippet": "a", "samebytes": {"x": 1}}', 400, "invalid_value"),
        (
            APPLY,
            b'{"initial_code": "a", "edit_snippet": "a", "samebytes": {"format": "x"}}',
            400,
            "invalid_value",
        ),
        (
            APPLY,
            b'{"initial_code": "a", "edit_snippet": "a", "samebytes": {"path": "a\\u0000"}}',
            400,
            "invalid_value",
        ),
        (
            APPLY,
            b'{"initial_code": "a", "edit_snippet": "a", "samebytes": {"min_confidence": 2}}',
            400,
            "invalid_value",
        ),
        (
            APPLY,
            b'{"initial_code": "a", "edit_snippet": "a", "samebytes": {"allow_model": []}}',
            400,
            "invalid_value",
        ),
        (
            APPLY,
            b'{"initial_code": "a", "edit_snippet": "a", "samebytes": {"expected_sha256": "a"}}',
            400,
            "invalid_value",
        ),
        (APPLY, b" " * 5000, 413, "too_large"),
        ("/v1/nothing", b"{}", 404, "not_found"),
        ("/v1/models", b"{}", 405, "method_not_allowed"),
    ],
)
def test_bad_input_is_a_status_and_a_message(path, content, status, code):
    async def call(client):
        answer = await client.post(path, content=content)
        error = valid(answer.json(), "Error")["error"]
        assert (answer.status_code, error["code"]) == (status, code), error

    serve(call, max_message_bytes=4000 if status == 413 else 1 << 20)


def test_a_body_without_a_length_is_limited_too():
    async def pieces():
        for _ in range(100):
            yield b" " * 1000

    async def call(client):
        answer = await client.post(APPLY, content=pieces())
        assert answer.status_code == 413

    serve(call, max_message_bytes=4000)


def test_a_body_that_does_not_come_ends_the_request():
    async def call(client):
        reader, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)
        writer.write(b"POST /v1/code/apply HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{")
        assert b" 408 " in await asyncio.wait_for(reader.readline(), 30)
        writer.close()

    serve(call, body_seconds=0.2)


def test_answers_do_not_wait_for_an_acknowledgement():
    """Without TCP_NODELAY an answer in several writes waits 40 ms for the client's kernel."""
    seen = []

    async def app(scope, receive, send):
        assert scope["type"] == "lifespan"
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})

    async def main():
        listener = Listener(app, HttpConfig(port=0, grace_seconds=1))
        await listener.start()
        server = listener._server.servers[0]
        seen.extend(one.proto for one in server.sockets)
        await listener.stop()

    asyncio.run(main())
    assert seen == [socket.IPPROTO_TCP]


def test_a_stale_original_is_refused():
    async def call(client):
        body = {"initial_code": FILE, "edit_snippet": BLOCK, "samebytes": {"expected_sha256": "0" * 64}}
        answer = await client.post(APPLY, json=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "stale_original")

    serve(call)


def test_overload_alone_is_429_and_says_when_to_come_back():
    applier = FaultyApplier()

    async def call(client):
        first = asyncio.create_task(client.post(CHAT, json=morph(instruction="sleep 60")))
        while not applier.started:
            await asyncio.sleep(0.01)
        answer = await client.post(CHAT, json=morph())
        assert (answer.status_code, answer.json()["error"]["code"]) == (429, "overloaded")
        assert int(answer.headers["Retry-After"]) >= 1
        applier.wake.set()
        assert (await first).status_code == 200

    serve(call, applier, workers=1, max_waiting=0)


def test_work_stops_when_the_client_is_gone():
    applier = FaultyApplier()

    async def call(client):
        with pytest.raises(httpx.ReadTimeout):
            await client.post(CHAT, json=morph(instruction="sleep 60"), timeout=0.5)
        while not applier.cancelled:
            await asyncio.sleep(0.01)

    serve(call, applier)


def test_a_bug_is_500_with_a_reference_and_nothing_of_the_file_is_logged(caplog):
    caplog.set_level(logging.DEBUG)

    async def call(client):
        with capture_logs() as logs:
            answer = await client.post(CHAT, json=morph(code="hunter2\n", instruction="bug"))
            await client.post(CHAT, json=morph(code="hunter2\n"))
        assert answer.status_code == 500
        assert "hunter2" not in answer.text
        assert "hunter2" not in str(logs) + caplog.text
        assert any(entry["event"] == "internal error" for entry in logs)

    serve(call)


def test_before_the_self_test_has_passed_it_is_503():
    async def main():
        answers, ports = [], [0]
        loop = asyncio.get_running_loop()

        def load():
            asyncio.run_coroutine_threadsafe(look(), loop).result(30)
            return FaultyApplier()

        async def look():
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{ports[0]}", trust_env=False) as client:
                answers.append(await client.get("/health"))
                answers.append(await client.post(CHAT, json=morph()))

        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            ports[0] = probe.getsockname()[1]
        async with running_http_server(HttpConfig(port=ports[0], grace_seconds=1), load):
            pass
        assert [answer.status_code for answer in answers] == [503, 503]
        assert answers[1].headers["Retry-After"]

    asyncio.run(main())


def test_the_token_is_asked_for_everywhere_but_at_health(tmp_path):
    secret = tmp_path / "token"
    secret.write_text("open sesame\n")

    async def call(client):
        assert (await client.get("/health")).status_code == 200
        for path in ("/v1/models", "/openapi.json"):
            assert (await client.get(path)).status_code == 401
        assert (await client.post(CHAT, json=morph())).json()["error"]["code"] == "invalid_api_key"
        right = {"Authorization": "Bearer open sesame"}
        assert (await client.post(CHAT, json=morph(), headers=right)).status_code == 200

    serve(call, token_file=secret)


def test_on_loopback_other_names_are_not_answered():
    async def call(client):
        for host, status in (
            ("localhost", 200),
            ("[::1]:1", 200),
            ("evil.test", 403),
            ("", 403),
            ("proxy", 200),
        ):
            answer = await client.get("/v1/models", headers={"Host": host})
            assert answer.status_code == status, host

    serve(call, allowed_hosts=("proxy",))


def test_no_page_of_another_origin_may_read_an_answer():
    async def call(client):
        page = {"Origin": "https://evil.test", "Access-Control-Request-Method": "POST"}
        for answer in (
            await client.options(CHAT, headers=page),
            await client.post(CHAT, json=morph(), headers=page),
        ):
            assert not [name for name in answer.headers if name.startswith("access-control")]

    serve(call)


def test_the_document_names_every_route():
    async def call(client):
        body = (await client.get("/openapi.json")).json()
        assert body == json.loads(json.dumps(document()))
        for path, methods in body["paths"].items():
            for method in methods.keys() & {"get", "post"}:
                answer = await client.request(method, path.replace("{name}", "samebytes"), json={})
                assert answer.status_code in (200, 400), path

    serve(call)


def test_every_edit_is_counted():
    async def call(client):
        await client.post(CHAT, json=morph())
        await client.post(APPLY, json={"initial_code": FILE, "edit_snippet": UNREADABLE})

    with capture_logs() as logs:
        serve(call)
    edits = [entry for entry in logs if entry["event"] == "edit"]
    assert [entry["status"] for entry in edits] == ["applied", "refused"]
