"""Whole programs: the same outcome, in classes that a person would write."""

from __future__ import annotations

import ast

import black
import pytest

from homolog.writing import Call, Classes, Program, Statement, classes
from writing.module_networks import NETWORKS, densenet, recurrent, resnet, siamese, tied, transformer, two_ways
from writing.modules import Modules, build, flat_outcome, outcome
from writing.programs import Value


def same(program: Program) -> str:
    """The classes of a program, once it is sure that they compute the same."""
    found = classes(program, "Net")
    assert outcome(found, program) == flat_outcome(program), found.text
    assert set(found.names) == {item.layer for item in program.statements if item.module}
    return found.text


def written(text: str) -> str:
    return black.format_str(text, mode=black.Mode(line_length=100))


def source(text: str, name: str) -> str:
    """The source of one class."""
    tree = ast.parse(text)
    (found,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
    return ast.get_source_segment(text, found) or ""


@pytest.mark.parametrize(
    ("name", "lines", "found"),
    [
        ("resnet", 80, ["ConvBlock", "ConvBlock2", "Net"]),
        ("densenet", 68, ["ConvBlock", "Pool", "Net"]),
        ("inception", 55, ["ConvBlock", "Block", "Net"]),
        ("transformer", 62, ["Attention", "EncoderLayer", "Net"]),
        ("siamese", 41, ["ConvBlock", "Encoder", "Net"]),
        ("two_ways", 17, ["Net"]),
        ("recurrent", 19, ["Net"]),
        ("vgg", 56, ["Block", "BlockWithConv3", "Net"]),
        ("tied", 27, ["Block", "Net"]),
    ],
)
def test_a_network_is_short(name: str, lines: int, found: list[str]) -> None:
    text = written(same(NETWORKS[name]))
    assert len(text.splitlines()) <= lines, text
    tree = ast.parse(text)
    assert [node.name for node in tree.body if isinstance(node, ast.ClassDef)] == found
    assert all(ast.get_docstring(node) for node in tree.body if isinstance(node, ast.ClassDef))


def test_everything_has_a_type() -> None:
    for name, program in NETWORKS.items():
        for node in ast.walk(ast.parse(same(program))):
            if isinstance(node, ast.FunctionDef):
                assert node.returns is not None, name
                assert all(item.annotation for item in node.args.args[1:]), name


def test_a_resnet_of_flat_names_is_written_as_one_would() -> None:
    text = written(same(resnet()))
    assert (
        source(text, "ConvBlock2")
        == '''\
class ConvBlock2(nn.Module):
    """ConvBlock: conv2_block2, conv2_block3, conv3_block2 and 9 more."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.conv_1 = nn.Conv2d(in_channels, in_channels // 4, kernel_size=1)
        self.bn_1 = nn.BatchNorm2d(in_channels // 4, eps=1.001e-05)
        self.conv_2 = nn.Conv2d(in_channels // 4, in_channels // 4, kernel_size=3, padding=1)
        self.bn_2 = nn.BatchNorm2d(in_channels // 4, eps=1.001e-05)
        self.conv_3 = nn.Conv2d(in_channels // 4, in_channels, kernel_size=1)
        self.bn_3 = nn.BatchNorm2d(in_channels, eps=1.001e-05)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.conv_1(x)
        y = self.bn_1(y)
        y = F.relu(y)
        y = self.conv_2(y)
        y = self.bn_2(y)
        y = F.relu(y)
        y = self.conv_3(y)
        y = self.bn_3(y)
        x = x + y
        return F.relu(x)'''
    )
    assert (
        source(text, "Net")
        == '''\
class Net(nn.Module):
    """Net."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1_conv = nn.Conv2d(3, 64, kernel_size=7, stride=2)
        self.conv1_bn = nn.BatchNorm2d(64, eps=1.001e-05)
        self.conv2 = nn.Sequential(ConvBlock(64, 256, stride=1), ConvBlock2(256), ConvBlock2(256))
        self.conv3 = nn.Sequential(ConvBlock(256, 512), *(ConvBlock2(512) for _ in range(3)))
        self.conv4 = nn.Sequential(ConvBlock(512, 1024), *(ConvBlock2(1024) for _ in range(5)))
        self.conv5 = nn.Sequential(ConvBlock(1024, 2048), ConvBlock2(2048), ConvBlock2(2048))
        self.predictions = nn.Linear(2048, 1000)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        x = F.pad(image, (3, 3, 3, 3))
        x = self.conv1_conv(x)
        x = self.conv1_bn(x)
        x = F.relu(x)
        x = F.max_pool2d(x, 3, stride=2)
        x = self.conv2(x)
        x = self.conv3(x)
        x = self.conv4(x)
        x = self.conv5(x)
        x = torch.mean(x, (2, 3))
        return self.predictions(x)'''
    )


def test_layers_are_found_by_their_attributes() -> None:
    names = classes(resnet(), "Net").names
    assert names["conv1_conv"] == "conv1_conv"
    assert names["conv2_block1_0_bn"] == "conv2.0.bn_0"
    assert names["conv4_block6_3_conv"] == "conv4.5.conv_3"


def test_widths_that_grow_are_counted() -> None:
    text = written(same(densenet()))
    assert (
        """\
        self.conv2 = nn.Sequential(*(ConvBlock(i) for i in range(64, 256, 32)))
        self.pool2 = Pool(256)
        self.conv3 = nn.Sequential(*(ConvBlock(i) for i in range(128, 512, 32)))
"""
        in text
    )
    assert "conv4_block48_1_bn" in classes(densenet(), "Net").names


def test_branches_whose_names_say_nothing_are_found_by_repetition() -> None:
    text = written(same(NETWORKS["inception"]))
    assert (
        """\
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.avg_pool2d(x, 3, stride=1, padding=1)
        y = self.block_1(y)
        z = self.block_2(x)
        a = self.blocks_3_4(x)
        x = self.blocks_5_7(x)
        return torch.cat([z, a, x, y], dim=1)
"""
        in text
    )
    assert "self.blocks = nn.Sequential(Block(32), *(Block(256) for _ in range(3)))" in text


def test_scopes_inside_scopes_are_classes_that_make_others() -> None:
    text = written(same(transformer()))
    assert (
        source(text, "EncoderLayer")
        == '''\
class EncoderLayer(nn.Module):
    """EncoderLayer: encoder.layer_0, encoder.layer_1, encoder.layer_2 and 9 more."""

    def __init__(self) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(768, eps=1e-06)
        self.attention = Attention()
        self.ln_2 = nn.LayerNorm(768, eps=1e-06)
        self.mlp_fc1 = nn.Linear(768, 3072)
        self.mlp_fc2 = nn.Linear(3072, 768)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.ln_1(x)
        y = self.attention(y)
        x = x + y
        y = self.ln_2(x)
        y = self.mlp_fc1(y)
        y = self.mlp_fc2(F.gelu(y))
        return x + y'''
    )
    assert "self.encoder_layers = nn.Sequential(*(EncoderLayer() for _ in range(12)))" in text
    assert "self.encoder_position = nn.Parameter(torch.empty(1, 196, 768))" in text


def test_a_module_that_is_called_twice_is_made_once() -> None:
    text = same(siamese())
    assert text.count("Encoder()") == 1
    assert "x = self.encoder(left)\n        y = self.encoder(right)" in text
    assert text.count("ConvBlock(3, 8)") == 1


def test_a_layer_that_is_called_twice_is_made_once() -> None:
    text = same(two_ways())
    assert text.count("nn.Embedding") == 1
    assert "-> tuple[torch.Tensor, torch.Tensor]:" in text


def test_outputs_may_have_names() -> None:
    program = two_ways()
    found = classes(program, "Net", keys=("priority", "department"))
    assert "def forward(self, title: torch.Tensor, body: torch.Tensor) -> dict[str, torch.Tensor]:" in found.text
    given = build(found, "Net")(*map(Value.of, program.inputs))  # type: ignore[operator]
    assert list(given.items()) == list(zip(("priority", "department"), flat_outcome(program), strict=True))


def test_layers_that_give_tuples_are_unpacked() -> None:
    text = same(recurrent())
    assert "x, y = self.gru_0(sequence)" in text
    assert "x, z = self.gru_1(x)" in text


def test_what_a_block_does_not_own_is_handed_in() -> None:
    text = written(same(tied()))
    assert "self.blocks = nn.ModuleList([Block() for _ in range(4)])" in text
    assert "        for block in self.blocks:\n            x = block(x, mask, self.bias)\n" in text
    assert "return torch.matmul(x, self.embedding.weight.T)" in text
    assert 'self.register_buffer("bias", torch.zeros(8))' in text


def test_blocks_that_share_a_layer_with_others_are_no_classes() -> None:
    t = Modules()
    x = "image"
    for number in range(3):
        with t.module(f"block_{number}", "Block"):
            x = t.make(f"block_{number}/dense", "nn.Linear(4, 4)", f"made({x})")
            x = t(f"F.relu({x})")
            x = t.make("shared", "nn.Linear(4, 4)", f"made({x})")
    text = same(t.program(x))
    assert text.count("class ") == 1
    assert "self.shared = nn.Linear(4, 4)" in text


def test_what_varies_in_forward_is_an_attribute() -> None:
    t = Modules()
    x = "image"
    for number, (width, slope) in enumerate([(4, 0.5), (8, 0.25), (16, 1)]):
        with t.module(f"block_{number}", "Block"):
            x = t.make(f"block_{number}/dense", f"nn.Linear(4, {width})", f"made({x})")
            x = t(f"F.leaky_relu(torch.reshape({x}, (-1, {width}, 1)), negative_slope={slope})")
            x = t(f"{x}[:, :, 0]")
    text = same(t.program(x))
    assert "def __init__(self, out_features: int, negative_slope: float) -> None:" in text
    assert "self.out_features = out_features" in text
    assert "torch.reshape(x, (-1, self.out_features, 1))" in text
    assert "negative_slope=self.negative_slope" in text


def test_arguments_that_are_taken_for_granted_make_no_other_class() -> None:
    t = Modules()
    x = "image"
    for number, settings in enumerate(["", ", stride=2", ", bias=False, padding=1"]):
        with t.module(f"block_{number}", "Block"):
            x = t.make(f"block_{number}/conv", f"nn.Conv2d(4, 4, 3{settings})", f"made({x})")
            x = t(f"F.relu({t(f'{x} * 2')})")
    text = same(t.program(x))
    assert text.count("class Block") == 1
    assert "nn.Conv2d(4, 4, 3, stride=stride, padding=padding, bias=bias)" in text or "kernel_size=3" in text


def test_a_chain_of_modules_keeps_their_names() -> None:
    t = Modules()
    x = "image"
    with t.module("head", "Sequential"):
        x = t.make("head/pool", "nn.AvgPool2d(2)", f"made({x})")
        x = t.make("head/dense", "nn.Linear(4, 4)", f"made({x})")
    found = classes(t.program(t(f"{x} + image")), "Net")
    assert "self.head = nn.Sequential(OrderedDict(pool=nn.AvgPool2d(2), dense=nn.Linear(4, 4)))" in found.text
    assert found.names["head/dense"] == "head.dense"


def test_one_layer_made_in_two_ways_is_refused() -> None:
    t = Modules()
    x = t.make("dense", "nn.Linear(4, 4)", "made(image)")
    x = t.make("dense", "nn.Linear(4, 8)", f"made({x})")
    with pytest.raises(ValueError, match="dense is made in two ways"):
        classes(t.program(x), "Net")


def test_made_is_no_name_of_a_variable() -> None:
    t = Modules(("made",))
    with pytest.raises(ValueError, match="a variable is called made"):
        classes(t.program(t.make("dense", "nn.Linear(4, 4)", "made(made)")), "Net")


def test_names_that_mislead_are_not_followed() -> None:
    t = Modules()
    x = "image"
    for kind in ("nn.PReLU()", "nn.ReLU()", "nn.GELU()"):
        lengths = zip("abcdefg", (7, 8, 10, 11, 13, 14, 16), strict=True)
        parts = [f"{kind[3:-2]}{word}1" for word, length in lengths for _ in range(length)]
        for place, part in enumerate(parts[:78]):
            x = t.make(f"{part}_{place}", ("nn.Conv2d(4, 4, 3)", "nn.BatchNorm2d(4)", kind)[place % 3], f"made({x})")
            if place % 3 == 2:
                x = t(f"{x} * 2")
    text = same(t.program(x))
    assert text.count("class ") == 5
    assert "*(Block2() for _ in range(13))" in text


def test_names_that_the_source_needs_are_left_alone() -> None:
    t = Modules(("self", "class"))
    x = t.make("forward", "nn.Linear(4, 4)", "made(self)")
    x = t.make("type", "nn.Linear(4, 4)", f"made({x})")
    x = t.make("9", "nn.Linear(4, 4)", f"made({x})")
    x = t(f"resized({x}, 2)")
    for number in range(2):
        with t.module(f"nets.{number}", "Net"):
            x = t.make(f"nets.{number}.half", "nn.Linear(4, 4)", f"made({x})")
            x = t(f"F.relu({x})")
    found = classes(t.program(x), "Net")
    assert found.inputs == ("self_", "class_")
    assert found.names["forward"] == "forward_2"
    assert "self.type_2 = nn.Linear(4, 4)" in found.text
    assert "self.linear = nn.Linear(4, 4)" in found.text
    assert "class Net2(nn.Module):" in found.text
    assert "self.half_2" in found.text


def test_a_program_of_nothing() -> None:
    found = classes(Program(("image",), (), ("image",)), "Net", about="Nothing.")
    assert found.text == (
        'class Net(nn.Module):\n    """Nothing."""\n\n    def __init__(self) -> None:\n        super().__init__()\n\n'
        "    def forward(self, image: torch.Tensor) -> torch.Tensor:\n        return image"
    )
    assert found == Classes(found.text, {}, ("image",))


def test_calls_are_told_apart_by_their_count() -> None:
    calls = [Call("m", "M", count) for count in range(2)]
    statements = [
        Statement(
            (f"v{3 * n + k}",),
            f"made({f'v{3 * n + k - 1}' if n + k else 'image'})",
            (call,),
            f"m.{k}",
            f"nn.Linear({k + 4}, {k + 5})",
        )
        for n, call in enumerate(calls)
        for k in range(3)
    ]
    program = Program(("image",), tuple(statements), ("v5",))
    text = same(program)
    assert "self.m = nn.Sequential(*(nn.Linear(i, i + 1) for i in range(4, 7)))" in text
    assert "for _ in range(2):\n            x = self.m(x)" in text


def test_three_thousand_statements_are_as_short_as_three_hundred() -> None:
    many, few = transformer(190), transformer(19)
    assert len(many.statements) > 3000
    assert len(classes(many, "Net").text.splitlines()) <= len(classes(few, "Net").text.splitlines()) + 2
