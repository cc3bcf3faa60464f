//! Wrong templates do not compile.

#[test]
fn wrong_templates_do_not_compile() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/compile/right.rs");
    cases.compile_fail("tests/compile/unknown_property.rs");
    cases.compile_fail("tests/compile/missing_property.rs");
    cases.compile_fail("tests/compile/wrong_type.rs");
    cases.compile_fail("tests/compile/wrong_enum_value.rs");
    cases.compile_fail("tests/compile/unknown_attribute.rs");
}
