//! The code made for a tool. Not checks: `signature` has made them.
//!
//! Invariant: the generated code holds nothing that a function of `toolgate_sdk::__private` could do, and
//! its own names cannot meet the author's.

use crate::attribute::Attribute;
use crate::signature::{Field, Parameter, ToolFunction};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ItemFn;
use syn::ext::IdentExt;
use syn::spanned::Spanned;

/// The function, and the tool made of it; or the function, and what keeps it from being one.
pub(crate) fn tool(attribute: &Attribute, mut function: ItemFn) -> TokenStream {
    match ToolFunction::read(&mut function) {
        Ok(tool) => {
            let implementation = implementation(attribute, &function, &tool);
            quote!(#function #implementation)
        }
        Err(problems) => {
            let problems = problems.into_compile_error();
            quote!(#function #problems)
        }
    }
}

fn implementation(attribute: &Attribute, function: &ItemFn, tool: &ToolFunction) -> TokenStream {
    let ItemFn { vis, sig, .. } = function;
    let ident = &sig.ident;
    let name = ident.unraw().to_string();
    let doc = format!("The tool `{name}`, for `component!`.");
    let fields = fields(tool);
    let definition = definition(attribute, tool);
    let call = call(function, tool);
    quote! {
        #[doc = #doc]
        #[expect(non_camel_case_types, reason = "named like the function that it stands for")]
        #vis enum #ident {}

        const _: () = {
            #[derive(
                ::toolgate_sdk::__private::serde::Deserialize,
                ::toolgate_sdk::__private::schemars::JsonSchema,
            )]
            #[serde(crate = "::toolgate_sdk::__private::serde", deny_unknown_fields)]
            #[schemars(crate = "::toolgate_sdk::__private::schemars")]
            struct ToolgateArguments {
                #fields
            }

            impl ::toolgate_sdk::Tool for #ident {
                const NAME: &'static str = #name;

                fn definition() -> ::toolgate_sdk::Definition {
                    #definition
                }

                #call
            }
        };
    }
}

fn fields(tool: &ToolFunction) -> TokenStream {
    let fields = tool.parameters.iter().filter_map(|parameter| match parameter {
        Parameter::Context => None,
        Parameter::Field(field) => {
            let Field { attributes, name, ty } = &**field;
            Some(quote!(#(#attributes)* #name: #ty,))
        }
    });
    quote!(#(#fields)*)
}

/// The spans are the result type's, so that a missing `JsonSchema` is reported there.
fn definition(attribute: &Attribute, tool: &ToolFunction) -> TokenStream {
    let description = &tool.description;
    let needs = &attribute.needs;
    let ty = &tool.result.ty;
    let at = ty.span();
    let output = if tool.result.fallible {
        quote_spanned!(at=> <#ty as ::toolgate_sdk::__private::Fallible>::Output)
    } else {
        quote!(#ty)
    };
    let define = Ident::new(if tool.result.wrapped { "define_wrapped" } else { "define" }, at);
    let define = quote_spanned!(at=> ::toolgate_sdk::__private::#define::<ToolgateArguments, #output>);
    quote! {
        #define(
            <Self as ::toolgate_sdk::Tool>::NAME,
            #description,
            &[#(::toolgate_sdk::Capability::#needs),*],
        )
    }
}

/// Locals are of this macro's own site, so that a tool may be called like one of them; what can fail to
/// compile is at the result type.
fn call(function: &ItemFn, tool: &ToolFunction) -> TokenStream {
    let ident = &function.sig.ident;
    let at = tool.result.ty.span();
    let [context, arguments] = ["context", "arguments"].map(|name| Ident::new(name, Span::mixed_site()));
    let result = Ident::new("result", at.resolved_at(Span::mixed_site()));
    let given = tool.parameters.iter().map(|parameter| match parameter {
        Parameter::Context => quote!(#context),
        Parameter::Field(field) => {
            let name = &field.name;
            quote!(#arguments.#name)
        }
    });
    let answer = Ident::new(if tool.result.wrapped { "answer_wrapped" } else { "answer" }, at);
    let question = tool.result.fallible.then(|| quote_spanned!(at=> ?));
    let answered = quote_spanned!(at=> ::toolgate_sdk::__private::#answer(#result #question));
    quote! {
        fn call(
            #context: &::toolgate_sdk::Context,
            arguments_json: &str,
        ) -> ::core::result::Result<::std::string::String, ::toolgate_sdk::Failure> {
            let _ = #context;
            let #arguments: ToolgateArguments = ::toolgate_sdk::__private::arguments(arguments_json)?;
            let _ = &#arguments;
            let #result = #ident(#(#given),*);
            #answered
        }
    }
}
