"""The app's MCP tools, called by the official MCP client."""

import ast
import asyncio
import base64

import numpy as np
import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

from tests.support import pen


def with_session(app, act):
    """Open a session, pass it to `act`, and return the result."""

    async def run():
        async with (
            streamable_http_client(f"{app.url}/gradio_api/mcp/") as (receive, send, _),
            ClientSession(receive, send) as session,
        ):
            await session.initialize()
            return await act(session)

    return asyncio.run(run())


def data_url(picture):
    return "data:image/png;base64," + base64.b64encode(pen.encode(picture)).decode()


def call(app, tool, image):
    """Call a tool; return whether it failed, and its text."""
    answer = with_session(app, lambda session: session.call_tool(tool, {"image": image}))
    [content] = answer.content
    return answer.isError, content.text


def test_an_assistant_finds_two_tools_that_say_what_they_do(app):
    listed = with_session(app, lambda session: session.list_tools())
    tools = {tool.name: tool for tool in listed.tools}
    assert set(tools) == {"read_digit", "read_number"}
    assert tools["read_number"].description.startswith("Read the number in this picture")
    assert tools["read_digit"].description.startswith("Read the one handwritten digit in this")
    for tool in tools.values():
        assert tool.inputSchema["required"] == ["image"]
        assert "picture" in tool.inputSchema["properties"]["image"]["description"]
        assert "Returns: " in tool.description


@pytest.mark.parametrize(
    ("tool", "picture", "key", "value"),
    [
        ("read_digit", pen.sheet(7), "digit", 7),
        ("read_digit", np.full((99, 99), 255, np.uint8), "reason", "blank"),
        ("read_number", pen.sheet(3, 1, 5), "number", "315"),
    ],
)
def test_an_assistant_reads_a_picture(app, tool, picture, key, value):
    failed, text = call(app, tool, data_url(picture))
    assert not failed
    assert ast.literal_eval(text)[key] == value


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ("data:text/plain;base64,aGVsbG8=", "Use a PNG"),
        ("/etc/passwd", ""),
        ("file:///etc/passwd", ""),
        ("http://127.0.0.1:1/x.png", "Upload the picture instead"),
    ],
)
def test_an_assistant_is_told_what_is_no_picture_and_gets_no_file_of_the_machine(app, image, words):
    failed, text = call(app, "read_digit", image)
    assert failed
    assert words in text
    assert "root:" not in text
