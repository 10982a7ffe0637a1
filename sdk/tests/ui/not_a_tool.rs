//! A mistake: a function in the list of tools that is none. Not here: tools named twice. Invariant: it does not compile, and `not_a_tool.stderr` points at it.

fn echo(text: String) -> String {
    text
}

toolgate_sdk::component!(echo);

fn main() {
    echo(String::new());
}
