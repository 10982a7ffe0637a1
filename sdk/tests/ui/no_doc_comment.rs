//! A mistake: a tool that says nothing of itself. Not here: what it should say. Invariant: it does not compile, and `no_doc_comment.stderr` points at it.

#[toolgate_sdk::tool]
fn echo(text: String) -> String {
    text
}

fn main() {}
