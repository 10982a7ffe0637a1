//! Generated bindings of the world `tool` (`sdk/wit`); private to the sandbox.

wasmtime::component::bindgen!({
    path: "../sdk/wit",
    world: "tool",
    imports: { default: trappable },
    exports: { default: async },
});
