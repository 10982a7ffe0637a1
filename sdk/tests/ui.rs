//! What a mistake looks like to the author: each file of `ui/` fails to compile with the text beside it.

#[test]
fn mistakes_are_reported_at_the_authors_own_words() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
