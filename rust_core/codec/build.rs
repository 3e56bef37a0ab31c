//! Compiles the API's and the log's messages to Rust, without a protoc binary.

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use prost_types::{DescriptorProto, FileDescriptorSet};

#[path = "build/shapes.rs"]
mod shapes;

/// Folders whose messages the extension reads or writes, each with the root that its imports begin at.
const PACKAGES: [(&str, &str); 2] = [("proto", "utterson/v1"), ("proto_internal", "utterson/internal/v1")];

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let includes = ["proto", "proto_internal", "third_party"].map(|folder| root.join(folder));

    let mut files: Vec<PathBuf> = Vec::new();
    for (folder, package) in PACKAGES {
        for entry in fs::read_dir(root.join(folder).join(package))? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "proto") {
                files.push(path);
            }
        }
    }
    files.sort();

    for include in &includes {
        println!("cargo::rerun-if-changed={}", include.display());
    }
    let mut compiler = protox::Compiler::new(&includes)?;
    compiler.include_imports(true).include_source_info(true).open_files(&files)?;
    let descriptors = compiler.file_descriptor_set();
    let output = env::var("OUT_DIR")?;
    fs::write(Path::new(&output).join("tags.rs"), tags(&descriptors)?)?;
    fs::write(Path::new(&output).join("shapes.rs"), shapes::shapes(&compiler.descriptor_pool())?)?;
    // Maps are ordered, so that equal messages always have equal bytes.
    prost_build::Config::new().btree_map(["."]).include_file("proto.rs").compile_fds(descriptors)?;
    Ok(())
}

/// Writes the tags of every field down under the field's name, a module a message; each is held to be of one byte.
fn tags(descriptors: &FileDescriptorSet) -> Result<String, Box<dyn Error>> {
    let mut source = String::new();
    for (_, package) in PACKAGES {
        let name = package.replace('/', ".");
        writeln!(source, "pub mod {} {{", package.split('/').nth(1).unwrap_or_default())?;
        let files = descriptors.file.iter().filter(|file| file.package() == name);
        for message in files.flat_map(|file| &file.message_type) {
            tags_of(message, &mut source)?;
        }
        writeln!(source, "}}")?;
    }
    Ok(source)
}

fn tags_of(message: &DescriptorProto, source: &mut String) -> Result<(), Box<dyn Error>> {
    writeln!(source, "/// `{}`.\npub mod r#{} {{", message.name(), snake_case(message.name()))?;
    for field in &message.field {
        let (name, tag) = (field.name(), field.number());
        writeln!(source, "/// `{name}`.\npub const {}: u32 = crate::proto::of_one_byte({tag});", name.to_uppercase())?;
    }
    writeln!(source, "}}")?;
    Ok(())
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}
