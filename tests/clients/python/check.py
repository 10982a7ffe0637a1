"""The PyPI `mcp` client against an MCP server over stdio, in both eras of the protocol.

Usage: check.py [--slow TOOL [--slow-arguments JSON]] [--progress TOOL [--progress-arguments JSON]] -- COMMAND
       [ARGUMENT...]

The server must have the tool `echo` ({"text": string} -> {"text": string}) and allow 100 calls of it in a
run. `--slow` names a tool that runs until it is cancelled, `--progress` one that also says every second or so
how far it is; without them their checks are skipped, and the output says so. Prints one line a check; the
exit code is 1 when one failed.
"""

import argparse
import asyncio
import json
import sys
import time
import traceback

from mcp import Client, MCPError, StdioServerParameters

VERSIONS = {"auto": "2026-07-28", "legacy": "2025-11-25"}


async def lists_tools(client, options):
    tools = (await client.list_tools()).tools
    names = [tool.name for tool in tools]
    assert names == sorted(names), names
    echo = next(tool for tool in tools if tool.name == "echo")
    assert echo.description and echo.input_schema["type"] == "object"
    assert echo.output_schema["type"] == "object"
    assert echo.annotations is not None


async def calls_a_tool(client, options):
    result = await client.call_tool("echo", {"text": "h\u00e9llo"})
    assert not result.is_error, result
    assert result.structured_content == {"text": "h\u00e9llo"}, result.structured_content
    assert "h\u00e9llo" in result.content[0].text


async def calls_overlap(client, options):
    calls = [client.call_tool("echo", {"text": str(n)}) for n in range(32)]
    for n, result in enumerate(await asyncio.gather(*calls)):
        assert result.structured_content == {"text": str(n)}, result


async def bad_arguments_are_a_result_that_says_what_to_do(client, options):
    result = await client.call_tool("echo", {"txet": 1})
    assert result.is_error and result.content[0].text, result
    assert result.meta["toolgate/outcome"]["reason"] == "invalid_arguments", result.meta


async def an_unknown_tool_is_invalid_params(client, options):
    error = await refused(client.call_tool("ecco", {}))
    assert error.code == -32602 and "echo" in error.message, error


async def the_run_and_the_call_are_named(client, options):
    first = (await client.call_tool("echo", {"text": "a"})).meta
    assert first["toolgate/run"].startswith("run_") and first["toolgate/call"].startswith("call_"), first
    assert first["toolgate/outcome"]["status"] == "completed", first
    assert first["io.modelcontextprotocol/serverInfo"]["name"] == "toolgate", first
    meta = {"toolgate/run": first["toolgate/run"], "toolgate/thought": "t", "toolgate/context": {"project_id": "p"}}
    second = (await client.call_tool("echo", {"text": "b"}, meta=meta)).meta
    assert second["toolgate/run"] == first["toolgate/run"], second


async def wrong_meta_is_refused_by_name(client, options):
    error = await refused(client.call_tool("echo", {"text": "a"}, meta={"toolgate/run": 7}))
    assert error.code == -32602 and "toolgate/run" in error.message, error
    result = await client.call_tool("echo", {"text": "a"}, meta={"toolgate/run": "run_0"})
    assert result.is_error and result.meta["toolgate/outcome"]["reason"] == "unknown_run", result


async def a_call_that_is_given_up_is_cancelled(client, options):
    if options.slow is None:
        return "skipped: no --slow tool"
    started = time.monotonic()
    try:
        await asyncio.wait_for(client.call_tool(options.slow, json.loads(options.slow_arguments)), 0.5)
        raise AssertionError("it ended by itself")
    except (asyncio.TimeoutError, MCPError):
        pass
    await calls_a_tool(client, options)
    assert time.monotonic() - started < 4, "the next call waited for the one given up"


async def progress_arrives_while_the_call_runs(client, options):
    if options.progress is None:
        return "skipped: no --progress tool"
    reports = asyncio.Queue()

    async def report(*said):
        await reports.put(said)

    arguments = json.loads(options.progress_arguments)
    call = asyncio.create_task(client.call_tool(options.progress, arguments, progress_callback=report))
    try:
        told = [await asyncio.wait_for(reports.get(), 10) for _ in range(2)]
        assert not call.done(), call
    finally:
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
    (first, _, message), (second, _, _) = told
    assert first < second and message, told


CHECKS = [
    lists_tools,
    calls_a_tool,
    calls_overlap,
    bad_arguments_are_a_result_that_says_what_to_do,
    an_unknown_tool_is_invalid_params,
    the_run_and_the_call_are_named,
    wrong_meta_is_refused_by_name,
    a_call_that_is_given_up_is_cancelled,
    progress_arrives_while_the_call_runs,
]


async def refused(call):
    try:
        result = await call
    except MCPError as error:
        return error.error
    raise AssertionError(f"not refused: {result}")


async def check_mode(mode, options):
    """Runs every check in one mode; gives the number that failed."""
    failed = 0
    command, *arguments = options.command
    async with Client(StdioServerParameters(command=command, args=arguments), mode=mode) as client:
        assert client.protocol_version == VERSIONS[mode], client.protocol_version
        assert client.server_info.name == "toolgate"
        for check in CHECKS:
            try:
                note = await asyncio.wait_for(check(client, options), 30)
                print("ok  ", mode, check.__name__, note or "", flush=True)
            except Exception:
                failed += 1
                print("FAIL", mode, check.__name__, flush=True)
                traceback.print_exc()
        closing = time.monotonic()
    assert time.monotonic() - closing < 8, "the server does not end with its input"
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slow")
    parser.add_argument("--slow-arguments", default="{}")
    parser.add_argument("--progress")
    parser.add_argument("--progress-arguments", default="{}")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    failed = sum(asyncio.run(check_mode(mode, options)) for mode in VERSIONS)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
