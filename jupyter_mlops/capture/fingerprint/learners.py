"""PyTorch tensors, XGBoost and LightGBM boosters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .reader import UnreadableError
from .scalars import encode_text
from .table import register, text_of

if TYPE_CHECKING:
    from .reader import Reader


def teach_torch(torch: Any) -> None:
    """Readers for PyTorch."""
    register((torch.Tensor, torch.nn.Parameter), _read_tensor)
    register((torch.device, torch.dtype, torch.Size), text_of(b"3", str))
    register((torch.Generator,), lambda reader, value: b"3g" + _read_tensor(reader, value.get_state()))


def _read_tensor(reader: Reader, tensor: Any) -> bytes:
    import torch

    if tensor.device.type != "cpu" or tensor.layout is not torch.strided:
        raise UnreadableError("a tensor that is not in this process's memory")
    plain = tensor.detach().resolve_conj().resolve_neg().contiguous()
    data = plain.reshape(-1).view(torch.uint8).numpy() if plain.numel() else None
    parts = [encode_text(f"{tensor.dtype} {tuple(tensor.shape)} {tensor.requires_grad}")]
    parts.append(reader.buffer(memoryview(data)) if data is not None else b"0")
    if tensor.is_leaf and tensor.grad is not None:
        parts.append(_read_tensor(reader, tensor.grad))
    return reader.digest(b"3t", parts)


def teach_xgboost(xgboost: Any) -> None:
    """A booster by its own serialization."""
    register((xgboost.Booster,), lambda reader, value: b"4" + reader.read(bytes(value.save_raw("ubj"))))


def teach_lightgbm(lightgbm: Any) -> None:
    """A booster by its own serialization."""
    register((lightgbm.Booster,), lambda reader, value: b"5" + reader.read(value.model_to_string()))
