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

    if tensor.device.type != "cpu" or tensor.is_nested:
        raise UnreadableError("a tensor that is not in this process's memory as one block")
    parts = [encode_text(f"{tensor.dtype} {tuple(tensor.shape)} {tensor.requires_grad} {tensor.layout}")]
    plain = tensor.detach()
    if tensor.layout is torch.strided:
        parts.append(_read_block(reader, plain))
    else:
        parts += [_read_block(reader, part) for part in _stored(plain, torch)]
    if tensor.is_quantized:
        parts.append(encode_text(_scale(plain)))
    if tensor.is_leaf and tensor.grad is not None:
        parts.append(_read_tensor(reader, tensor.grad))
    return reader.digest(b"3t", parts)


def _read_block(reader: Reader, plain: Any) -> bytes:
    import torch

    plain = plain.resolve_conj().resolve_neg().contiguous()
    if not plain.numel():
        return b"0"
    return reader.buffer(memoryview(plain.reshape(-1).view(torch.uint8).numpy()))


def _stored(plain: Any, torch: Any) -> tuple[Any, ...]:
    """The blocks a sparse tensor is made of: where its elements are, and the elements."""
    if plain.layout is torch.sparse_coo:
        return plain._indices(), plain._values()
    if plain.layout in (torch.sparse_csr, torch.sparse_bsr):
        return plain.crow_indices(), plain.col_indices(), plain.values()
    if plain.layout in (torch.sparse_csc, torch.sparse_bsc):
        return plain.ccol_indices(), plain.row_indices(), plain.values()
    raise UnreadableError("a tensor of an unknown layout")


def _scale(plain: Any) -> str:
    """What a quantized tensor's whole numbers stand for."""
    if "channel" in str(plain.qscheme()):
        scales, zeros = plain.q_per_channel_scales().tolist(), plain.q_per_channel_zero_points().tolist()
        return f"{scales} {zeros} {plain.q_per_channel_axis()}"
    return f"{plain.q_scale()} {plain.q_zero_point()}"


def teach_xgboost(xgboost: Any) -> None:
    """A booster by its own serialization."""
    register((xgboost.Booster,), lambda reader, value: b"4" + reader.read(bytes(value.save_raw("ubj"))))


def teach_lightgbm(lightgbm: Any) -> None:
    """A booster by its own serialization."""
    register((lightgbm.Booster,), lambda reader, value: b"5" + reader.read(value.model_to_string()))
