//! Compiles the API's and the log's messages to Rust, without a protoc binary.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

/// Folders below `proto/` whose messages the extension reads or writes.
const PACKAGES: [&str; 2] = ["utterson/v1", "utterson/internal/v1"];

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let includes = [root.join("proto"), root.join("third_party")];

    let mut files: Vec<PathBuf> = Vec::new();
    for package in PACKAGES {
        for entry in fs::read_dir(includes[0].join(package))? {
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
