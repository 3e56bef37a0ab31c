//! One target, steered by the code that inputs reach: libFuzzer, whose options the command takes. `FUZZ_TARGET` names the
//! target; into the folder `FUZZ_SEEDS`, if it is told, go the inputs that are worth beginning with. `make fuzz-long` runs it.

#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use utterson_fuzz::{TARGETS, Target, target};

static CHOSEN: OnceLock<&'static Target> = OnceLock::new();

/// The target that is asked for.
fn chosen() -> &'static Target {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    target(&name).unwrap_or_else(|| panic!("FUZZ_TARGET must be one of {:?}", TARGETS.map(|target| target.name)))
}

fn begin() {
    let chosen = CHOSEN.get_or_init(chosen);
    let Some(folder) = std::env::var_os("FUZZ_SEEDS") else { return };
    for (number, seed) in (chosen.seeds)().into_iter().enumerate() {
        let file = std::path::Path::new(&folder).join(format!("seed-{number}"));
        std::fs::write(file, seed).expect("the folder of seeds can be written");
    }
}

fuzz_target!(init: begin(), |bytes: &[u8]| {
    (CHOSEN.get_or_init(chosen).run)(bytes);
});
