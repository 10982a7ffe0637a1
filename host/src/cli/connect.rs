//! `toolgate connect CLIENT`: what to write down so that a client starts the server.
//!
//! Pure text; the command line prints it. Not here: touching a client's files, which belong to the
//! person. Invariant: any path comes out quoted as its format wants it, so what is printed parses.

use serde_json::{Value, json};

/// A kind of client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Client {
    /// Claude Desktop.
    ClaudeDesktop,
    /// VS Code and its agents.
    Vscode,
    /// Cursor, and the IDE agents that read the same file format.
    Cursor,
    /// A Python program with the `mcp` package.
    Python,
}

/// Where the text of [`config`] goes, as one sentence.
pub(super) fn place(client: Client) -> &'static str {
    match client {
        Client::ClaudeDesktop => {
            "Settings, Developer, Edit Config opens claude_desktop_config.json: merge this in and restart the app."
        }
        Client::Vscode => "Save this as .vscode/mcp.json in the workspace.",
        Client::Cursor => "Save this as .cursor/mcp.json in the project.",
        Client::Python => "pip install 'mcp>=2.3,<3', then run this.",
    }
}

/// The configuration that makes `client` start `exe` with `policy`, without a final newline. Give
/// absolute paths: a client starts servers in a folder of its own choice.
pub(super) fn config(client: Client, exe: &str, policy: &str) -> String {
    let server = json!({"command": exe, "args": ["serve", "--policy", policy]});
    match client {
        Client::ClaudeDesktop | Client::Cursor => document(&json!({"mcpServers": {"toolgate": server}})),
        Client::Vscode => {
            let mut server = server;
            if let Some(members) = server.as_object_mut() {
                members.insert("type".to_owned(), Value::from("stdio"));
            }
            document(&json!({"servers": {"toolgate": server}}))
        }
        Client::Python => python(exe, policy),
    }
}

fn document(value: &Value) -> String {
    format!("{value:#}")
}

/// A program that lists the tools and is ready to call one.
fn python(exe: &str, policy: &str) -> String {
    // A JSON string is a Python string literal too.
    let (exe, policy) = (Value::from(exe), Value::from(policy));
    format!(
        r#"import asyncio

from mcp import Client, StdioServerParameters

SERVER = StdioServerParameters(
    command={exe},
    args=["serve", "--policy", {policy}],
)


async def main():
    async with Client(SERVER) as client:
        for tool in (await client.list_tools()).tools:
            print(tool.name, "-", tool.description)
        # result = await client.call_tool("NAME", {{"ARGUMENT": "VALUE"}})


asyncio.run(main())"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum as _;
    use proptest::prelude::*;

    #[test]
    fn each_client_gets_the_format_it_reads() {
        let read =
            |client| serde_json::from_str::<Value>(&config(client, "/bin/toolgate", "/p.toml")).unwrap();
        let server = json!({"command": "/bin/toolgate", "args": ["serve", "--policy", "/p.toml"]});
        assert_eq!(read(Client::ClaudeDesktop), json!({"mcpServers": {"toolgate": server}}));
        assert_eq!(read(Client::Cursor), json!({"mcpServers": {"toolgate": server}}));
        assert_eq!(read(Client::Vscode)["servers"]["toolgate"]["type"], "stdio");
        let program = config(Client::Python, "/bin/toolgate", "/p.toml");
        assert!(
            program.contains("command=\"/bin/toolgate\",\n    args=[\"serve\", \"--policy\", \"/p.toml\"]")
        );
    }

    #[test]
    fn every_client_has_a_place_and_a_text() {
        for client in Client::value_variants() {
            assert!(!place(*client).is_empty() && !config(*client, "e", "p").ends_with('\n'));
        }
    }

    proptest! {
        #[test]
        fn any_path_comes_out_as_it_went_in(exe in "\\PC{0,40}", policy in any::<String>()) {
            for client in [Client::ClaudeDesktop, Client::Vscode, Client::Cursor] {
                let read: Value = serde_json::from_str(&config(client, &exe, &policy)).unwrap();
                let root = read.as_object().unwrap().values().next().unwrap();
                prop_assert_eq!(&root["toolgate"]["command"], &Value::from(exe.as_str()));
                prop_assert_eq!(&root["toolgate"]["args"][2], &Value::from(policy.as_str()));
            }
        }
    }
}
