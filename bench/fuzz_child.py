"""One process of the fuzzer: spoils a file many times over, reads each, and says what came of it.

    python -m bench.fuzz_child FORMAT SEED-FILE FIRST COUNT

It writes a line before each thousandth mutant and a line of JSON at the end. An audit hook sees whether anything is
executed: that ends the process with the number of the mutant.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import homolog.files
from bench.fuzz_seeds import repacked, resummed
from homolog.errors import HomologError
from homolog.files import open_checkpoint

MOST_BYTES = 1 << 20  # of a tensor that is read
EXECUTED, UNTYPED = 66, 67
_BAD = ("os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile", "pty.spawn", "exec", "compile")
_TOKENS = (
    *(b"\x00", b"\xff", b"\x7f", b"\x80", b"\xff\xff\xff\x7f", b"\xff" * 8, b"\x00" * 8, b"PK\x03\x04", b"PK\x01\x02"),
    *(
        b"(",
        b".",
        b"}",
        b"]",
        b"h\x00",
        b"q\x00",
        b"R",
        b"b",
        b"cos\nsystem\n",
        b"\x8c\x02os\x8c\x06system\x93",
        b"\x85R",
    ),
    *(
        b"i\x00",
        b"[" * 40,
        b"{" * 40,
        b'"',
        b"-1",
        b"1e99",
        b"9" * 25,
        b"../",
        b"\x89HDF",
        b"TREE",
        b"SNOD",
        b"\x12\x02",
    ),
)


def spoilt(data: bytes, chance: random.Random) -> bytes:
    """A copy with one to four changes: a bit, a token, a cut, a repeat, or two pieces that change places."""
    made = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(made) + 1)
        match chance.randrange(6):
            case 0 if at < len(made):
                made[at] ^= 1 << chance.randrange(8)
            case 1:
                token = chance.choice(_TOKENS)
                made[at : at + len(token)] = token
            case 2:
                del made[at : at + chance.randint(1, 16)]
            case 3:
                made[at:at] = made[at : at + chance.randint(1, 32)]
            case 4:
                other, size = chance.randrange(len(made) + 1), chance.randint(1, 16)
                made[at : at + size], made[other : other + size] = made[other : other + size], made[at : at + size]
            case _:
                if chance.random() < 0.1:
                    del made[at:]
        if not made:
            return b"\0"
    return bytes(made)


def mutant(format: str, data: bytes, number: int) -> bytes:
    """The mutant of that number, always the same one. Half of those with checksums have them put right again."""
    chance = random.Random(f"{format} {number}")
    inner: Callable[[bytes], bytes] = lambda piece: spoilt(piece, chance)  # noqa: E731
    if number % 2 and data.startswith(b"PK"):
        return repacked(data, inner, chance.choice)
    if number % 2 and format == "tensorflow":
        return resummed(data, inner)
    return spoilt(data, chance)


def main(format: str, seed: Path, first: int, count: int) -> int:
    data, path = seed.read_bytes(), seed.with_name(f"mutant-{seed.name}")
    if format == "tensorflow":
        values = "x.data-00000-of-00001"
        path.with_name(f"mutant-{values}").write_bytes(seed.with_name(values).read_bytes())
    now = 0
    canary = Path("canary")

    for module in pkgutil.iter_modules(homolog.files.__path__, "homolog.files."):
        if not module.name.endswith("hdf5_child"):  # which is the script of another process
            importlib.import_module(module.name)
    open_checkpoint(seed)

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        # Importing compiles and runs files; what has no file is what a mutant brought.
        code = arguments[0] if event == "exec" else None
        name = arguments[1] if event == "compile" else getattr(code, "co_filename", "")
        if event in _BAD and not (event in ("exec", "compile") and Path(os.fsdecode(name or b"")).is_file()):
            os.write(2, f"mutant {now} of {format} made {event} {arguments!r:.200}\n".encode())
            os._exit(EXECUTED)

    came: Counter[str] = Counter()
    slowest, slow = 0.0, -1
    sys.addaudithook(watch)
    for number in range(first, first + count):
        now = number
        if number % 1000 == 0:
            print(number, flush=True)
        path.write_bytes(mutant(format, data, number))
        started = time.process_time()
        try:
            for ref in open_checkpoint(path).tensors.values():
                if ref.nbytes <= MOST_BYTES:
                    ref.read()
            came["read"] += 1
        except HomologError as error:
            came[type(error).__name__] += 1
        except BaseException as error:
            sys.stderr.write(f"mutant {number} of {format}: {type(error).__name__}: {error}\n")
            if isinstance(error, KeyboardInterrupt):
                raise
            came["untyped"] += 1
        taken = time.process_time() - started
        if taken > slowest:
            slowest, slow = taken, number
    came["canaries"] += canary.exists()
    print(json.dumps({"came": came, "slowest": slowest, "slow": slow}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))
