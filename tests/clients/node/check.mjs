// The npm clients against an MCP server over stdio: @modelcontextprotocol/client in both eras,
// @modelcontextprotocol/sdk (2025-11-25), and the inspector's command line.
//
// Usage: node check.mjs [--slow TOOL [--slow-arguments JSON]] -- COMMAND [ARGUMENT...]
//
// The server must have the tool `echo` ({"text": string} -> {"text": string}) and allow 100 calls of it in
// a run. `--slow` names a tool that runs until it is cancelled; without it that check is skipped, and the
// output says so. Prints one line a check; the exit code is 1 when one failed.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";
import { parseArgs, promisify } from "node:util";
import * as modern from "@modelcontextprotocol/client";
import { StdioClientTransport as ModernTransport } from "@modelcontextprotocol/client/stdio";
import { Client as OldClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport as OldTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { slow: { type: "string" }, "slow-arguments": { type: "string", default: "{}" } },
});
const [command, ...args] = positionals;
assert(command, "usage: node check.mjs [--slow TOOL [--slow-arguments JSON]] -- COMMAND [ARGUMENT...]");

const INFO = { name: "toolgate-client-checks", version: "1.0.0" };
const TIMEOUT_MS = 30_000;

const CLIENTS = {
  "client auto": {
    version: "2026-07-28",
    client: () => new modern.Client(INFO, { versionNegotiation: { mode: "auto" } }),
    transport: () => new ModernTransport({ command, args }),
  },
  "client legacy": {
    version: "2025-11-25",
    client: () => new modern.Client(INFO),
    transport: () => new ModernTransport({ command, args }),
  },
  "sdk 1": {
    version: "2025-11-25",
    client: () => new OldClient(INFO),
    transport: () => new OldTransport({ command, args }),
  },
};

const echo = (client, text, meta) =>
  client.callTool({ name: "echo", arguments: { text }, ...(meta && { _meta: meta }) });

const CHECKS = {
  async "lists tools in order"(client) {
    const { tools } = await client.listTools();
    const names = tools.map((tool) => tool.name);
    assert.deepEqual(names, [...names].sort());
    const tool = tools.find((tool) => tool.name === "echo");
    assert.equal(tool.inputSchema.type, "object");
    assert.equal(tool.outputSchema.type, "object");
    assert.equal(typeof tool.annotations.readOnlyHint, "boolean");
  },
  async "calls a tool"(client) {
    const result = await echo(client, "h\u00e9llo");
    assert.deepEqual(result.structuredContent, { text: "h\u00e9llo" });
    assert(!result.isError && result.content[0].text.includes("h\u00e9llo"));
  },
  async "calls overlap"(client) {
    const texts = Array.from({ length: 16 }, (_, n) => String(n));
    const results = await Promise.all(texts.map((text) => echo(client, text)));
    assert.deepEqual(results.map((result) => result.structuredContent.text), texts);
  },
  async "bad arguments are a result that says what to do"(client) {
    const result = await client.callTool({ name: "echo", arguments: { txet: 1 } });
    assert(result.isError && result.content[0].text.length > 0);
    assert.equal(result._meta["toolgate/outcome"].reason, "invalid_arguments");
  },
  async "an unknown tool is invalid params"(client) {
    await assert.rejects(client.callTool({ name: "ecco", arguments: {} }), (error) => {
      assert.equal(error.code, -32602);
      return error.message.includes("echo");
    });
  },
  async "the run and the call are named"(client) {
    const first = (await echo(client, "a"))._meta;
    assert.match(first["toolgate/run"], /^run_[0-9a-f]{32}$/);
    assert.match(first["toolgate/call"], /^call_[0-9a-f]{32}$/);
    assert.equal(first["toolgate/outcome"].status, "completed");
    const meta = { "toolgate/run": first["toolgate/run"], "toolgate/thought": "t" };
    assert.equal((await echo(client, "b", meta))._meta["toolgate/run"], first["toolgate/run"]);
  },
  async "wrong _meta is refused by name"(client) {
    await assert.rejects(echo(client, "a", { "toolgate/run": 7 }), (error) => {
      assert.equal(error.code, -32602);
      return error.message.includes("toolgate/run");
    });
  },
  async "a call that is given up is cancelled"(client) {
    if (!options.slow) return "skipped: no --slow tool";
    const call = { name: options.slow, arguments: JSON.parse(options["slow-arguments"]) };
    const signal = AbortSignal.timeout(500);
    const started = Date.now();
    // The first SDK has a result schema between the two.
    const given = client instanceof OldClient ? [call, undefined, { signal }] : [call, { signal }];
    await assert.rejects(client.callTool(...given));
    await echo(client, "after");
    assert(Date.now() - started < 4000, "the next call waited for the one given up");
  },
};

let failed = 0;

async function check(label, run) {
  try {
    const late = new Promise((_, reject) => setTimeout(reject, TIMEOUT_MS, new Error("no answer in time")).unref());
    const note = await Promise.race([run(), late]);
    console.log("ok  ", label, note ?? "");
  } catch (error) {
    failed += 1;
    console.log("FAIL", label);
    console.error(error);
  }
}

for (const [name, { version, client: create, transport }] of Object.entries(CLIENTS)) {
  const client = create();
  let connected = false;
  await check(`${name}: connects`, async () => {
    await client.connect(transport());
    connected = true;
    assert.equal(client.getServerVersion().name, "toolgate");
    if (client.getNegotiatedProtocolVersion) assert.equal(client.getNegotiatedProtocolVersion(), version);
  });
  if (!connected) continue;
  for (const [label, run] of Object.entries(CHECKS)) await check(`${name}: ${label}`, () => run(client));
  await check(`${name}: closes`, () => client.close());
}

const manifest = createRequire(import.meta.url).resolve("@modelcontextprotocol/inspector/package.json");
const inspector = path.join(path.dirname(manifest), "clients/launcher/build/index.js");

async function inspect(...flags) {
  const { stdout } = await promisify(execFile)(process.execPath, [inspector, "--cli", command, ...args, ...flags]);
  return JSON.parse(stdout);
}

await check("inspector: lists tools", async () => {
  const { tools } = await inspect("--method", "tools/list");
  assert(tools.some((tool) => tool.name === "echo"));
});
await check("inspector: calls a tool", async () => {
  const result = await inspect("--method", "tools/call", "--tool-name", "echo", "--tool-arg", "text=hello");
  assert.deepEqual(result.structuredContent, { text: "hello" });
});

process.exit(failed ? 1 : 0);
