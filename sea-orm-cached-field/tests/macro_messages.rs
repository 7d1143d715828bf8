//! Every mistake in the use of `#[cached_fields]` is explained by one message.

#[test]
fn every_mistake_is_explained() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
