"""The application for Ray Serve: deployments of `Front` and `Replica`, and what to do when a replica dies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from ray import serve
from ray.exceptions import RayActorError
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError
from ray.serve.grpc_util import RayServegRPCContext
from ray.serve.handle import DeploymentHandle

from applier.api.errors import CallError, not_ready, overloaded
from applier.api.v1 import apply_pb2 as pb
from applier.patches.types import PatchRequest, PatchResult
from applier.server.ray.front import Front
from applier.server.ray.metrics import publish
from applier.server.ray.replica import Replica
from applier.server.ray.settings import Settings
from applier.types import EditRequest, EditResult

ATTEMPTS = 4


class Mismatch(RuntimeError):
    """Replicas of one application would give different bytes."""


class MeasuredReplica(Replica):
    """A replica whose metrics Ray has."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        publish(self.metrics.registry)


class Replicas:
    """Runs edits on replicas. The kinds are asked in order, a later one when those before it are full."""

    def __init__(self, kinds: list[DeploymentHandle]) -> None:
        self._kinds = kinds

    async def fingerprint(self) -> str:
        """That of all. Raises Mismatch."""
        found = {await kind.fingerprint.remote() for kind in self._kinds}
        if len(found) > 1:
            raise Mismatch(f"replicas with different fingerprints: {sorted(found)}")
        return str(found.pop())

    async def apply(self, request: EditRequest) -> EditResult:
        """An edit whose replica died is sent to another: it is a pure function. Raises CallError."""
        return await self._call("apply", request)

    async def patch(self, request: PatchRequest) -> PatchResult:
        """As `apply`, for a patch of several files."""
        return await self._call("patch", request)

    async def _call(self, method: str, request: EditRequest | PatchRequest) -> Any:
        for _ in range(ATTEMPTS):
            for kind in self._kinds:
                try:
                    answer = await getattr(kind, method).remote(request)
                except BackPressureError:
                    continue
                except (RayActorError, DeploymentUnavailableError):
                    break
                if isinstance(answer, CallError):
                    raise answer
                return answer
            else:
                raise overloaded(retry_seconds=1)
        raise not_ready()


class ApplyService:
    """The ingress. Method names are those of the protocol."""

    def __init__(self, settings: Settings, *kinds: DeploymentHandle) -> None:
        self._settings, self._replicas = settings, Replicas(list(kinds))
        self._front: Front | None = None

    async def _ready(self) -> Front:
        if self._front is None:
            fingerprint = await self._replicas.fingerprint()
            settings = self._settings
            self._front = Front(self._replicas, fingerprint, settings.token_file, settings.stream_window)
            publish(self._front.metrics.registry)
        return self._front

    async def check_health(self) -> None:
        """Called by Ray: a front serves only over replicas that agree."""
        await self._ready()

    async def ApplyEdit(
        self, request: pb.ApplyEditRequest, grpc_context: RayServegRPCContext
    ) -> pb.ApplyEditResponse:
        return await (await self._ready()).apply_edit(request, grpc_context)

    async def ApplyPatch(
        self, request: pb.ApplyPatchRequest, grpc_context: RayServegRPCContext
    ) -> pb.ApplyPatchResponse:
        return await (await self._ready()).apply_patch(request, grpc_context)

    async def GetFingerprint(
        self, request: pb.GetFingerprintRequest, grpc_context: RayServegRPCContext
    ) -> pb.GetFingerprintResponse:
        return await (await self._ready()).get_fingerprint(request, grpc_context)

    async def ApplyEdits(
        self, requests: AsyncIterator[pb.ApplyEditsRequest], grpc_context: RayServegRPCContext
    ) -> AsyncIterator[pb.ApplyEditsResponse]:
        async for answer in (await self._ready()).apply_edits(requests, grpc_context):
            yield answer


def build(args: dict[str, Any]) -> Any:
    """The application, for `import_path` in `serve.yaml`. Raises ValidationError for args that are not
    `Settings`.
    """
    settings = Settings.model_validate(args)
    ongoing = settings.workers + settings.max_waiting
    common: dict[str, Any] = {"max_ongoing_requests": ongoing, "max_queued_requests": ongoing}
    kinds = []
    for name, number, resources in (
        ("gpu-replica", settings.gpu_replicas, {"num_cpus": 1, "num_gpus": 1}),
        ("cpu-replica", settings.cpu_replicas, {"num_cpus": settings.cpus}),
    ):
        if number:
            made = serve.deployment(MeasuredReplica).options(
                name=name, num_replicas=number, ray_actor_options=resources, **common
            )
            kinds.append(made.bind(settings))
    front = serve.deployment(ApplyService).options(
        name="front",
        num_replicas=settings.fronts,
        ray_actor_options={"num_cpus": 0.1},
        max_ongoing_requests=4096,
    )
    return front.bind(settings, *kinds)
