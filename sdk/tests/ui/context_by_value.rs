//! A mistake: a call context that is taken by value, changed, or taken twice. Not here: the right way, which is in `tool.rs`. Invariant: it does not compile, and `context_by_value.stderr` points at it.

use toolgate_sdk::Context;

/// Takes the context.
#[toolgate_sdk::tool]
fn take(cx: Context) {
    drop(cx);
}

/// Takes it twice, once to change it.
#[toolgate_sdk::tool]
fn change(cx: &mut Context, other: &Context, third: &Context) {
    let _ = (cx, other, third);
}

/// Says something about it.
#[toolgate_sdk::tool]
fn tell(
    /// The model never reads this.
    cx: &Context,
) {
    let _ = cx;
}

fn main() {}
