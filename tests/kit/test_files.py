import asyncio
import hashlib
import subprocess
import sys
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.kit.command import Refusal
from bot.kit.files import FileStore

CAP = 1000


@pytest.fixture
def store(tmp_path):
    return FileStore(tmp_path / "files", cap=CAP)


def everything(store):
    return sorted(p for p in store.root.rglob("*") if p.is_file())


async def stream(*chunks):
    for chunk in chunks:
        yield chunk


async def test_a_file_is_kept_under_its_hash(store):
    stored = await store.receive(stream(b"mod", b"el"))
    assert stored.sha256 == hashlib.sha256(b"model").hexdigest()
    assert stored.size == 5
    assert store.path(stored.sha256).read_bytes() == b"model"
    assert store.head(stored.sha256, 3) == b"mod"
    assert everything(store) == [store.path(stored.sha256)]


async def test_the_same_content_twice_is_one_file(store):
    assert await store.add(b"model") == await store.add(b"model")
    assert len(everything(store)) == 1


async def test_the_largest_file_is_taken(store):
    assert (await store.add(b"x" * CAP)).size == CAP


@pytest.mark.parametrize(
    ("chunks", "announced", "code"),
    [
        ([b"x"], CAP + 1, "E_TOO_LARGE"),
        ([b"x" * CAP, b"x"], None, "E_TOO_LARGE"),
        ([b"x" * CAP, b"x"], 5, "E_TOO_LARGE"),
        ([], None, "E_EMPTY_FILE"),
        ([b"", b""], 10, "E_EMPTY_FILE"),
    ],
)
async def test_what_is_too_large_or_empty_is_refused_and_leaves_nothing(
    store, chunks, announced, code
):
    with pytest.raises(Refusal) as refused:
        await store.receive(stream(*chunks), announced=announced)
    assert refused.value.code == code
    assert refused.value.fix
    assert everything(store) == []


async def test_a_stream_that_is_announced_too_large_is_not_even_begun(store):
    async def never():
        raise AssertionError("it was read")
        yield b""

    with pytest.raises(Refusal):
        await store.receive(never(), announced=CAP + 1)


async def test_a_stream_that_breaks_leaves_nothing(store):
    async def broken():
        yield b"half"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await store.receive(broken())
    assert everything(store) == []


async def test_an_upload_that_is_called_off_leaves_nothing(store):
    begun = asyncio.Event()

    async def endless():
        yield b"half"
        begun.set()
        await asyncio.sleep(60)

    upload = asyncio.create_task(store.receive(endless()))
    await begun.wait()
    upload.cancel()
    await asyncio.gather(upload, return_exceptions=True)
    assert everything(store) == []


@pytest.mark.parametrize(
    "name",
    ["", "..", "../../etc/passwd", "A" * 64, "a" * 63, "a" * 65, "a" * 64 + "\n", "/" + "a" * 63],
)
def test_only_a_hash_leads_to_a_file(store, name):
    with pytest.raises(KeyError):
        store.path(name)


@given(st.text())
def test_no_text_leads_out_of_the_store(text):
    store = FileStore.__new__(FileStore)
    with pytest.raises(KeyError):
        store.path(text)


def test_a_receiver_that_is_killed_leaves_no_half_file(store):
    program = textwrap.dedent(f"""
        import asyncio
        from pathlib import Path
        from bot.kit.files import FileStore

        async def endless():
            yield b"half of a model"
            print("begun", flush=True)
            await asyncio.sleep(60)

        asyncio.run(FileStore(Path({str(store.root)!r}), cap={CAP}).receive(endless()))
    """)
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as receiver:
        assert receiver.stdout.readline() == b"begun\n"
        receiver.kill()
    assert [p.parent.name for p in everything(store)] == ["incoming"]
    assert store.clear_incoming() == 1
    assert everything(store) == []
