"""TLS, client certificates, the bearer token and the metrics, over real connections."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import urllib.request
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from grpc_health.v1 import health_pb2, health_pb2_grpc
from pydantic import ValidationError

from applier.api.v1 import apply_pb2 as pb
from applier.api.v1 import apply_pb2_grpc
from applier.server.config import ServerConfig
from applier.server.run import running_server
from applier.server.security import SecurityError, is_loopback, server_credentials
from tests.applier.appliers import FaultyApplier


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1 and its key, as PEM files."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / f"{name}.crt", folder / f"{name}.key"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


async def apply(channel: grpc.aio.Channel, **call) -> bytes:
    stub = apply_pb2_grpc.ApplyServiceStub(channel)
    request = pb.ApplyEditRequest(
        original=b"old\n", edit=b"new\n", path="a.txt", format=pb.EDIT_FORMAT_WHOLE_FILE
    )
    return (await stub.ApplyEdit(request, timeout=5, **call)).content


def test_tls_serves_clients_that_trust_the_certificate(tmp_path):
    crt, key = certificate(tmp_path, "server")
    trusted = grpc.ssl_channel_credentials(crt.read_bytes())

    async def main() -> None:
        config = ServerConfig(port=0, tls_certificate=crt, tls_key=key, grace_seconds=0)
        async with running_server(config, FaultyApplier) as server:
            async with grpc.aio.secure_channel(server.target, trusted) as channel:
                assert await apply(channel) == b"new\n"
            async with grpc.aio.insecure_channel(server.target) as channel:
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await apply(channel)
                assert caught.value.code() is grpc.StatusCode.UNAVAILABLE

    asyncio.run(main())


def test_a_client_without_the_required_certificate_is_not_served(tmp_path):
    crt, key = certificate(tmp_path, "server")
    client_crt, client_key = certificate(tmp_path, "client")
    root = crt.read_bytes()

    async def main() -> None:
        config = ServerConfig(
            port=0, tls_certificate=crt, tls_key=key, tls_client_ca=client_crt, grace_seconds=0
        )
        async with running_server(config, FaultyApplier) as server:
            known = grpc.ssl_channel_credentials(root, client_key.read_bytes(), client_crt.read_bytes())
            async with grpc.aio.secure_channel(server.target, known) as channel:
                assert await apply(channel) == b"new\n"
            async with grpc.aio.secure_channel(server.target, grpc.ssl_channel_credentials(root)) as channel:
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await apply(channel)
                assert caught.value.code() is grpc.StatusCode.UNAVAILABLE

    asyncio.run(main())


def test_the_token_is_required_of_every_call_but_health(tmp_path):
    token_file = tmp_path / "token"
    token_file.write_text("s3cret\n")

    async def main() -> None:
        config = ServerConfig(port=0, token_file=token_file, grace_seconds=0)
        async with (
            running_server(config, FaultyApplier) as server,
            grpc.aio.insecure_channel(server.target) as channel,
        ):
            assert await apply(channel, metadata=[("authorization", "Bearer s3cret")]) == b"new\n"
            for metadata in ([], [("authorization", "Bearer other")], [("authorization", "s3cret")]):
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await apply(channel, metadata=metadata)
                assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
            stub = apply_pb2_grpc.ApplyServiceStub(channel)
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                async for _ in stub.ApplyEdits(iter([pb.ApplyEditsRequest(id="1")])):
                    pass
            assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
            health = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
            assert health.status == health_pb2.HealthCheckResponse.SERVING

    asyncio.run(main())


def test_metrics_count_answers_and_errors():
    async def main() -> str:
        config = ServerConfig(port=0, metrics_port=0, grace_seconds=0)
        async with (
            running_server(config, FaultyApplier) as server,
            grpc.aio.insecure_channel(server.target) as channel,
        ):
            await apply(channel)
            await apply(channel)
            stub = apply_pb2_grpc.ApplyServiceStub(channel)
            await stub.ApplyEdit(pb.ApplyEditRequest(original=b"old\n", path="a.txt"))
            with pytest.raises(grpc.aio.AioRpcError):
                await stub.ApplyEdit(pb.ApplyEditRequest(format=99))
            url = f"http://127.0.0.1:{server.metrics_port}/metrics"
            return await asyncio.to_thread(lambda: urllib.request.urlopen(url, timeout=5).read().decode())

    exported = asyncio.run(main())
    assert (
        'samebytes_edits_total{format="whole_file",reason="",status="applied",tier="exact"} 2.0' in exported
    )
    assert 'reason="empty_edit",status="refused"' in exported
    assert 'samebytes_call_errors_total{code="INVALID_ARGUMENT"} 1.0' in exported
    assert "samebytes_edits_in_flight 0.0" in exported
    assert 'samebytes_memo_total{event="hit"} 1.0' in exported
    assert 'samebytes_memo_total{event="miss"} 2.0' in exported


def test_unusable_files_are_typed_errors(tmp_path):
    crt, _ = certificate(tmp_path, "one")
    _, other_key = certificate(tmp_path, "two")
    with pytest.raises(SecurityError, match=r"one\.crt"):
        server_credentials(ServerConfig(tls_certificate=crt, tls_key=other_key))
    with pytest.raises(SecurityError, match="missing"):
        server_credentials(ServerConfig(tls_certificate=tmp_path / "missing", tls_key=other_key))
    with pytest.raises(ValidationError, match="belong together"):
        ServerConfig(tls_certificate=crt)


@pytest.mark.parametrize("method", ["ApplyEdit", "GetFingerprint"])
def test_bytes_that_are_no_message_are_an_invalid_argument(method):
    async def main() -> None:
        async with (
            running_server(ServerConfig(port=0), FaultyApplier) as server,
            grpc.aio.insecure_channel(server.target) as channel,
        ):
            call = channel.unary_unary(f"/applier.api.v1.ApplyService/{method}")
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call(b"\xff\xff\xff no protobuf", timeout=20)
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
            assert "cannot be decoded" in caught.value.details()
            stream = channel.stream_stream("/applier.api.v1.ApplyService/ApplyEdits")
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                async for _ in stream(iter([b"\xff\xff\xff"]), timeout=20):
                    pass
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
            assert await apply(channel)  # and the server goes on

    asyncio.run(main())


@pytest.mark.parametrize(("host", "warns"), [("127.0.0.1", False), ("0.0.0.0", True)])
def test_a_token_that_crosses_the_network_unencrypted_is_warned_of(tmp_path, capsys, host, warns):
    token = tmp_path / "token"
    token.write_text("secret")

    async def main() -> None:
        async with running_server(ServerConfig(port=0, host=host, token_file=token), FaultyApplier):
            pass

    asyncio.run(main())
    captured = capsys.readouterr()
    assert ("crosses the network unencrypted" in captured.out + captured.err) is warns


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("localhost", True), ("[::1]", True), ("0.0.0.0", False), ("example.org", False)],
)
def test_loopback_addresses(host, loopback):
    assert is_loopback(host) is loopback
