//! The schemas that wait for their line in `types.txt`, and what happens when that
//! file is wrong.

use std::fs;
use std::path::{Path, PathBuf};

use crate::codegen;

/// A folder with a `types.txt` of its own and every vendored schema.
fn folder(test: &str, types: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    fs::create_dir_all(&folder).unwrap();
    for (file, _) in vendored() {
        fs::copy(&file, folder.join(file.file_name().unwrap())).unwrap();
    }
    fs::write(folder.join("types.txt"), types).unwrap();
    folder
}

/// Each schema file and the type it describes.
fn vendored() -> Vec<(PathBuf, String)> {
    let schemas = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    let files = fs::read_dir(schemas).unwrap().map(|entry| entry.unwrap().path());
    let schemas = files.filter(|file| file.extension().is_some_and(|ext| ext == "json"));
    let type_name = |file: &Path| -> String {
        let schema: serde_json::Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        schema["typeName"].as_str().unwrap().to_owned()
    };
    schemas.map(|file| (file.clone(), type_name(&file))).collect()
}

fn refusal(test: &str, types: &str) -> String {
    codegen::generate(&folder(test, types)).err().unwrap()
}

#[test]
fn code_can_be_generated_for_every_vendored_schema() {
    let types: Vec<String> = vendored().into_iter().map(|(_, name)| name).collect();
    assert!(types.len() > 80);
    let generated = codegen::generate(&folder("all", &types.join("\n"))).unwrap();
    for name in types {
        assert!(generated.metadata.contains(&format!("name: {name:?}")), "{name}");
        assert!(generated.types.contains(&format!("TYPE: &'static str = {name:?}")), "{name}");
    }
}

#[test]
fn a_type_without_a_schema() {
    let message = refusal("missing", "AWS::EC2::VPC\nAWS::Nowhere::Thing\n");
    assert!(message.contains("AWS::Nowhere::Thing"), "{message}");
    assert!(message.contains("aws-nowhere-thing.json is missing"), "{message}");
}

#[test]
fn a_line_that_is_no_type() {
    let message = refusal("line", "# comment\n\nVPC\n");
    assert!(message.contains("types.txt:3: `VPC` is not a type name"), "{message}");
}

#[test]
fn a_type_twice() {
    let message = refusal("twice", "AWS::EC2::VPC\nAWS::EC2::VPC\n");
    assert!(message.contains("types.txt:2: `AWS::EC2::VPC` is listed twice"), "{message}");
}
