//! `component!`: the list of tools that one component exports. Not a registry: a tool that is not listed
//! is not exported.
//!
//! Invariant: names are unique in a component, or it does not compile.

/// Exports tools, in the order in which agents see them; once in a crate, at its root.
///
/// ```
/// mod text {
///     /// Returns the text in capital letters.
///     #[toolgate_sdk::tool]
///     pub fn shout(text: String) -> String {
///         text.to_uppercase()
///     }
/// }
///
/// /// Returns the number of characters of the text.
/// #[toolgate_sdk::tool]
/// fn measure(text: String) -> usize {
///     text.chars().count()
/// }
///
/// toolgate_sdk::component!(text::shout, measure);
/// # fn main() {}
/// ```
///
/// It adds one unit test to the crate, `definitions_are_sound`, which fails when a result type is not an
/// object in JSON.
#[macro_export]
macro_rules! component {
    ($($tool:ty),+ $(,)?) => {
        const TOOLGATE_TOOLS: &[$crate::__private::Entry] =
            &[$($crate::__private::Entry::of::<$tool>()),+];

        const _: () = ::core::assert!(
            $crate::__private::names_differ(TOOLGATE_TOOLS),
            "two tools of this component have the same name",
        );

        #[cfg(target_family = "wasm")]
        const _: () = {
            struct Component;
            impl $crate::__private::Exports for Component {
                const TOOLS: &'static [$crate::__private::Entry] = TOOLGATE_TOOLS;
            }
            $crate::__private::export!(Component with_types_in $crate::__private::bindings);
        };

        #[cfg(test)]
        #[test]
        fn definitions_are_sound() {
            let definitions = $crate::__private::definitions(TOOLGATE_TOOLS);
            ::core::assert_eq!(definitions, $crate::__private::definitions(TOOLGATE_TOOLS));
        }
    };
}
