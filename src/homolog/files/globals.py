"""Which names a pickle may use without being called unsafe.

Nothing here is ever imported or called: the list decides what is reported. It is exact, because a prefix such as
``torch.`` also covers ``torch.load`` and ``torch.hub.load``, and because a name with dots inside is an attribute chain.
"""

from __future__ import annotations

import re

STORAGES: dict[str, str | None] = {
    "torch.HalfStorage": "float16",
    "torch.FloatStorage": "float32",
    "torch.DoubleStorage": "float64",
    "torch.BFloat16Storage": "bfloat16",
    "torch.CharStorage": "int8",
    "torch.ShortStorage": "int16",
    "torch.IntStorage": "int32",
    "torch.LongStorage": "int64",
    "torch.ByteStorage": "uint8",
    "torch.BoolStorage": "bool",
    "torch.ComplexFloatStorage": "complex64",
    "torch.ComplexDoubleStorage": "complex128",
    "torch.storage.UntypedStorage": None,
    "torch.UntypedStorage": None,
}
"""Storage classes of torch/__init__.py and numpy's name of their element; None where the tensor itself says it."""

DTYPES: dict[str, str] = {
    **{f"torch.{name}": name for name in ("float16", "float32", "float64", "bfloat16", "complex64", "complex128")},
    **{f"torch.{name}": name for name in ("float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz")},
    **{f"torch.{sign}int{bits}": f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
    "torch.float8_e8m0fnu": "float8_e8m0fnu",
    "torch.bool": "bool",
}
"""torch's element types and numpy's (or ml_dtypes') names of the same."""

_BUILTINS = (
    "set frozenset int float bool str list dict tuple complex bytes bytearray slice range object "
    "NoneType Ellipsis NotImplemented"
)
_ACTIVATIONS = (
    "celu elu gelu glu hardshrink hardsigmoid hardswish hardtanh leaky_relu log_softmax logsigmoid mish normalize "
    "prelu relu relu6 rrelu selu sigmoid silu softmax softmin softplus softshrink softsign tanh tanhshrink threshold"
)
_CONSTANTS = (
    "per_tensor_affine per_channel_affine per_tensor_symmetric per_channel_symmetric per_channel_affine_float_qparams "
    "sparse_coo sparse_csr sparse_csc sparse_bsr sparse_bsc strided "
    "contiguous_format channels_last channels_last_3d preserve_format complex32 qint8 quint8 qint32"
)
_DATA = (
    "_codecs.encode",
    "argparse.Namespace",
    *(f"datetime.{name}" for name in ("date", "datetime", "time", "timedelta", "timezone")),
    *(f"numpy.{core}.multiarray.{name}" for core in ("core", "_core") for name in ("_reconstruct", "scalar")),
    *(f"numpy.{name}" for name in ("ndarray", "dtype")),
    *(f"numpy.{name}{bits}" for name in ("int", "uint", "float") for bits in (8, 16, 32, 64)),
    *(f"pathlib.{pure}{kind}Path" for pure in ("", "Pure") for kind in ("", "Posix", "Windows")),
)
ALLOWED = frozenset(
    {
        *STORAGES,
        *DTYPES,
        *(f"builtins.{name}" for name in _BUILTINS.split()),
        *(f"torch.nn.functional.{name}{end}" for name in _ACTIVATIONS.split() for end in ("", "_")),
        *(f"torch._C._nn.{name}{end}" for name in _ACTIVATIONS.split() for end in ("", "_")),
        "collections.OrderedDict",
        "collections.defaultdict",
        "collections.Counter",
        "torch.Size",
        "torch.Tensor",
        "torch.device",
        "torch.storage.TypedStorage",
        "torch.nn.parameter.Buffer",
        "torch.nn.parameter.UninitializedParameter",
        "torch.nn.parameter.UninitializedBuffer",
        "torch.serialization._get_layout",
        "torch.nn.parameter.Parameter",
        *(f"torch.{kind}Storage" for kind in ("QInt8", "QUInt8", "QInt32", "QUInt4x2", "QUInt2x4")),
        *(f"torch.{name}" for name in _CONSTANTS.split()),
        # Data of the standard library and of numpy: their constructors keep what they are given.
        *_DATA,
        "torch._utils._rebuild_tensor",
        "torch._utils._rebuild_tensor_v2",
        "torch._utils._rebuild_tensor_v3",
        "torch._utils._rebuild_parameter",
        "torch._utils._rebuild_parameter_with_state",
        "torch._utils._rebuild_sparse_tensor",
        "torch._utils._rebuild_qtensor",
        "torch._utils._rebuild_meta_tensor_no_storage",
        "torch._utils._rebuild_nested_tensor",
        "torch._tensor._rebuild_from_type_v2",
    }
)

# The classes of torch.nn themselves, all of which start with a capital; parametrised modules name theirs likewise.
_MODULES = re.compile(r"torch\.nn\.(modules\.[a-z]+|utils\.parametri[sz]ations|utils\.parametrize)\.[A-Z]\w*")


def is_allowed(name: str) -> bool:
    """Whether a dotted name is one that plain models use, all of which are inert."""
    return name in ALLOWED or _MODULES.fullmatch(name) is not None
