//! Compiles the API's and the log's messages to Rust, without a protoc binary.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

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
    let descriptors = protox::compile(&files, &includes)?;
    // Maps are ordered, so that equal messages always have equal bytes.
    prost_build::Config::new().btree_map(["."]).include_file("proto.rs").compile_fds(descriptors)?;
    Ok(())
}
