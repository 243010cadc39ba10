"""Load tokenizers and models from local directories: safetensors only, no code of the model's own."""

import copy
from pathlib import Path
from typing import Any

import torch
from torch import nn

from rlhf_studio.core.errors import InvalidInput
from rlhf_studio.models.directory import check_model_directory
from rlhf_studio.models.hardware import Hardware
from rlhf_studio.models.quiet import no_progress_bars

_PADDING_TOKENS = ("<|endoftext|>", "<|pad|>", "<pad>", "[PAD]", "<|finetune_right_pad_id|>", "<unk>")


def load_tokenizer(path: Path) -> Any:
    """Return the tokenizer, padding on the left, with a padding token.

    Where the model names none, or names its end mark, a token of the vocabulary that is not the
    end mark is taken: padding is left out of losses, and the end mark must be learnt.
    """
    from transformers import AutoTokenizer

    check_model_directory(path)
    try:
        tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise InvalidInput(f"The tokenizer in {path} cannot be loaded: {_first_line(error)}") from error
    tokenizer.padding_side = "left"
    if tokenizer.pad_token_id is None or tokenizer.pad_token_id == tokenizer.eos_token_id:
        vocabulary = tokenizer.get_vocab()
        candidates = (t for t in _PADDING_TOKENS if t in vocabulary and t != tokenizer.eos_token)
        tokenizer.pad_token = next(candidates, tokenizer.eos_token)
    return tokenizer


def load_base(path: Path, hardware: Hardware) -> Any:
    """Return the causal language model in `path`, on the hardware, in its dtype and in eval mode."""
    from transformers import AutoModelForCausalLM

    check_model_directory(path)
    try:
        with no_progress_bars():
            model = AutoModelForCausalLM.from_pretrained(
                path, dtype=hardware.dtype, local_files_only=True, trust_remote_code=False, use_safetensors=True
            )
    except (OSError, ValueError) as error:
        raise InvalidInput(f"The model in {path} cannot be loaded: {_first_line(error)}") from error
    return model.to(hardware.device).eval()


def load_policy(base_path: Path, adapter_path: Path | None, hardware: Hardware) -> Any:
    """Return a policy ready to sample from: the base, with the LoRA adapter merged when one is given."""
    from peft import PeftModel

    base = load_base(base_path, hardware)
    if adapter_path is None:
        return base
    if not (adapter_path / "adapter_model.safetensors").is_file():
        raise InvalidInput(f"{adapter_path} holds no LoRA adapter (adapter_model.safetensors).")
    peft_model = PeftModel.from_pretrained(
        base, str(adapter_path), torch_device=str(hardware.device), local_files_only=True
    )
    return MergedPolicy(peft_model, hardware).model


class MergedPolicy:
    """A merged copy of a live LoRA policy, to sample from while the adapter trains.

    An adapter costs 40 % of the sampling speed while it is separate, and merging it into bf16
    weights and out again does not give the old weights back: hence a copy, which shares with the
    base every tensor that the adapter leaves alone. The adapter that is active now is followed.
    """

    def __init__(self, peft_model: Any, hardware: Hardware) -> None:
        self._adapter: str = peft_model.active_adapter
        base = peft_model.get_base_model()
        config = copy.deepcopy(base.config)
        with torch.device("meta"):
            model = type(base)(config)
        model.generation_config = copy.deepcopy(base.generation_config)
        self._adapted: list[tuple[nn.Parameter, Any, str]] = []
        for path, module in list(model.named_modules(remove_duplicate=False)):
            source = base.get_submodule(path)
            self._fill(module, source, hardware)
        self._scratch = torch.empty(0)
        self.model = model.eval().requires_grad_(False)
        self.refresh()

    def _fill(self, module: nn.Module, source: nn.Module, hardware: Hardware) -> None:
        """Give one module of the copy its own tensors: shared, or new where the adapter changes them."""
        plain, changed = _resolve(source, self._adapter)
        for name in list(module._parameters):
            tensor = getattr(plain, name)
            if tensor is None:
                continue
            data = tensor.detach().to(hardware.device, hardware.dtype)
            if name in changed:
                data = torch.empty_like(data)
            parameter = nn.Parameter(data, requires_grad=False)
            module._parameters[name] = parameter
            if name in changed or data.data_ptr() != tensor.data_ptr():
                self._adapted.append((parameter, source, name))
        for name in list(module._buffers):
            module._buffers[name] = getattr(plain, name)

    @torch.no_grad()
    def refresh(self) -> None:
        """Recompute base + scaling · B @ A in float32 into the copy; the live model is only read."""
        for parameter, source, name in self._adapted:
            plain, changed = _resolve(source, self._adapter)
            weight = getattr(plain, name)
            if name in changed and plain is not source and hasattr(source, "get_delta_weight"):
                weight = self._merge(weight, source)
            parameter.copy_(weight)

    def _merge(self, weight: torch.Tensor, source: Any) -> torch.Tensor:
        from peft.tuners.lora import Linear

        if type(source) is not Linear or source.fan_in_fan_out:
            delta: torch.Tensor = source.get_delta_weight(self._adapter)
            return weight.float() + delta.float()
        # One buffer for all layers: fresh memory for each costs five times the arithmetic.
        if self._scratch.numel() < weight.numel():
            self._scratch = torch.empty(weight.numel(), dtype=torch.float32, device=weight.device)
        merged: torch.Tensor = self._scratch[: weight.numel()].view_as(weight).copy_(weight)
        lora_a, lora_b = source.lora_A[self._adapter].weight, source.lora_B[self._adapter].weight
        merged.addmm_(lora_b.float(), lora_a.float(), alpha=source.scaling[self._adapter])
        return merged


def _resolve(source: nn.Module, adapter: str) -> tuple[nn.Module, frozenset[str]]:
    """Return the plain module behind a PEFT wrapper, and the names of the parameters PEFT changes there."""
    from peft.tuners.lora import LoraLayer
    from peft.tuners.tuners_utils import BaseTunerLayer
    from peft.utils.other import ModulesToSaveWrapper

    if isinstance(source, ModulesToSaveWrapper):
        if adapter not in source.modules_to_save:
            return source.original_module, frozenset()
        trained = source.modules_to_save[adapter]
        return trained, frozenset(name for name, _ in trained.named_parameters(recurse=False))
    if not isinstance(source, BaseTunerLayer):
        return source, frozenset()
    if not isinstance(source, LoraLayer) or source.lora_variant.get(adapter) or source.lora_bias.get(adapter):
        raise InvalidInput("Only plain LoRA adapters can be merged for sampling (no DoRA, no LoRA bias).")
    has_adapter = adapter in source.lora_A or adapter in source.lora_embedding_A
    return source.get_base_layer(), frozenset({"weight"} if has_adapter else ())


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
