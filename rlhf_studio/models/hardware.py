"""What this machine computes on, and in which number format it is fast."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True, slots=True)
class Hardware:
    """A device with the dtype that weights are kept in there; `name` is for people."""

    device: torch.device
    dtype: torch.dtype
    name: str


def probe_hardware() -> Hardware:
    """Return the best device of this machine: CUDA, else MPS, else the CPU.

    bfloat16 is chosen only where the hardware multiplies it natively; elsewhere it is emulated
    and slower than float32.
    """
    if torch.cuda.is_available():
        dtype = torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
        return Hardware(torch.device("cuda"), dtype, torch.cuda.get_device_name())
    if torch.backends.mps.is_available():
        return Hardware(torch.device("mps"), torch.float32, "Apple GPU")
    capabilities = torch.cpu.get_capabilities()
    native_bf16 = capabilities.get("amx_bf16", False) or capabilities.get("avx512_bf16", False)
    name = f"{capabilities.get('cpu_name') or 'CPU'}, {torch.get_num_threads()} threads"
    return Hardware(torch.device("cpu"), torch.bfloat16 if native_bf16 else torch.float32, name)
