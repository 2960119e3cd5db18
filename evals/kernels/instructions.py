"""What the compiler makes of the kernels: `python -m evals.kernels.instructions`, which needs no GPU.

Compiles every kernel for compute capability 9.0 in the variants a model uses and counts instructions. The
contract forbids contraction into fused multiply-adds, flush to zero and approximations: PTX must hold none.
Division and square root, correctly rounded, are software sequences in SASS that do use fused multiply-adds,
so FFMA is forbidden there only for kernels that neither divide nor take roots.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import Any

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from kernels.gpu import attention, combine, embedding, linear, mlp, norm, qkv, rope
from kernels.gpu.arithmetic import STRICT
from kernels.gpu.tiles import attention_tile, gate_up_tile, matmul_tile, maxima_tile, qkv_tile

HOPPER = GPUTarget("cuda", 90, 32)
# Arguments by name; a pointer not named here is float32, any other argument int32.
TYPES = {
    "x_ptr": "*i8", "w_ptr": "*i8", "wg_ptr": "*i8", "wu_ptr": "*i8", "q_ptr": "*i8", "k_ptr": "*i8",
    "v_ptr": "*i8", "ids_ptr": "*i32", "max_ptr": "*i32", "position_ptr": "*i32", "slot_ptr": "*i32",
    "segment_ptr": "*i32", "row_ptr": "*i32", "start_ptr": "*i32", "length_ptr": "*i32", "past_ptr": "*i32",
    "pages_ptr": "*i32", "low_ptr": "*i32", "high_ptr": "*i32", "total_ptr": "*i32", "zero_ptr": "*i32",
    "key_ptr": "*i64", "eps": "fp32", "log2e_scale": "fp32",
}  # fmt: skip
HEADS = {"H": 9, "KV": 3, "D": 64, "DB": 64, "PAGE": 128}


@dataclass(frozen=True, slots=True)
class Report:
    """Instruction counts of one kernel variant."""

    kernel: str
    fma: int  # PTX
    flush_to_zero: int  # PTX
    approximate: int  # PTX
    divisions: int  # PTX, correctly rounded divisions and square roots
    ffma: int  # SASS

    @property
    def strict(self) -> bool:
        """Whether every float operation is one that the contract names."""
        return not (self.fma or self.flush_to_zero or self.approximate or (self.ffma and not self.divisions))


def compile_kernel(
    function: Any,
    constants: dict[str, Any],
    types: dict[str, str],
    warps: int,
    stages: int,
    strict: bool = True,
) -> Report:
    """Compiles a kernel from argument types alone. Raises triton.CompilationError."""
    signature: dict[str, str] = {}
    values: dict[tuple[int], Any] = {}
    attributes: dict[tuple[int], list[list[Any]]] = {}
    for index, name in enumerate(function.arg_names):
        if name in constants:
            signature[name], values[(index,)] = "constexpr", constants[name]
            continue
        default = "*fp32" if name.endswith("_ptr") else "i32"
        signature[name] = (TYPES | types).get(name, default)
        if signature[name] != "fp32":
            attributes[(index,)] = [["tt.divisibility", 16]]
    options = {"num_warps": warps, "num_stages": stages, **(STRICT if strict else {})}
    source = ASTSource(function, signature, values, attributes)
    compiled = triton.compile(source, target=HOPPER, options=options)
    ptx = compiled.asm["ptx"]
    return Report(
        kernel=function.__name__.lstrip("_"),
        fma=len(re.findall(r"\bfma\.", ptx)),
        flush_to_zero=ptx.count(".ftz"),
        approximate=ptx.count(".approx"),
        divisions=len(re.findall(r"\b(?:div|sqrt)\.rn\.f32", ptx)),
        ffma=len(re.findall(r"\bFFMA", compiled.asm["sass"])),
    )


def reports() -> list[Report]:
    """Every kernel, the products and attention in their tiles for few and for many rows."""
    found = [
        compile_kernel(norm._rms_norm_quantize, {"BLOCK": 1024, "ZERO": True}, {"x_ptr": "*fp32"}, 4, 3),
        compile_kernel(norm._quantize_rows, {"BLOCK": 1024}, {}, 4, 3),
        compile_kernel(norm._quantize_with_max, {"BLOCK": 2048}, {"m_ptr": "*i32"}, 4, 3),
        compile_kernel(embedding._embedding, {"BLOCK": 1024}, {"x_ptr": "*fp32"}, 4, 3),
        compile_kernel(
            rope._rope_quantize,
            {"H": 9, "KV": 3, "HALF": 32, "PAGE": 128, "HALF_BLOCK": 32, "HEADS": 16, "QK_NORM": True},
            {}, 4, 3,
        ),
        compile_kernel(
            combine._combine_quantize, {"H": 9, "D": 64, "DB": 64, "HEADS": 16, "SPLITS": 4},
            {"high_ptr": "*i32"}, 4, 3,
        ),
    ]  # fmt: skip
    for rows in (1, 64, 2048):
        tile = matmul_tile(rows, 960, 576)
        shape = {"BM": tile.rows, "BN": tile.columns, "BK": tile.depth, "EVEN": 576 % tile.depth == 0}
        epilogue = {"BIAS": True, "RESIDUAL": True, "IDS": False, "ids_ptr": None}
        found.append(compile_kernel(linear._linear, shape | epilogue, {}, tile.warps, tile.stages))
        restricted = shape | {"IDS": True}
        found.append(compile_kernel(linear._linear_argmax, restricted, {}, tile.warps, tile.stages))
        tile = qkv_tile(rows, 64)
        shape = {"D": 64, "BM": tile.rows, "BK": tile.depth, "EVEN": False, "BIAS": True, "QK_NORM": True}
        shape |= {"H": 9, "KV": 3, "PAGE": 128}
        found.append(compile_kernel(qkv._project_qkv, shape, {}, tile.warps, tile.stages))
        tile = gate_up_tile(rows, 1536)
        shape = {"BM": tile.rows, "BN": tile.columns, "BK": tile.depth, "EVEN": 576 % tile.depth == 0}
        found.append(compile_kernel(mlp._gate_up, shape, {}, tile.warps, tile.stages))
    for packed, splits in ((3, 1), (3, 8), (192, 1)):
        attend = attention_tile(packed, 3, 128)
        shape = HEADS | {"BM": attend.rows, "BN": attend.keys, "SPLITS": splits, "STAGES": attend.stages}
        fused = splits == 1 and attend.rows < 64
        out = {"out_ptr": "*fp32" if splits == 1 else "*i32"}
        options = (attend.warps, attend.stages)
        found.append(compile_kernel(attention._attention_sums, shape | {"FUSED": fused}, out, *options))
        if not fused:
            first = maxima_tile(attend, 128)
            shape |= {"BN": first.keys, "STAGES": first.stages}
            found.append(compile_kernel(attention._attention_maxima, shape, {}, first.warps, first.stages))
    return found


def main() -> int:
    """Prints a line a kernel; the exit status is the number that break the contract."""
    failed = 0
    for report in reports():
        failed += not report.strict
        print("ok  " if report.strict else "FAIL", report)
    return failed


if __name__ == "__main__":
    sys.exit(main())
