//! The simulated machine where QEMU is missing.
//!
//! Somebody who wants to see a program run should not have to wait for a download. The
//! hard thing is to keep the two apart: a run that asks for QEMU, or for what only QEMU
//! has, still gets QEMU; and what is refused where QEMU is there is refused here too, so
//! that nobody's script depends on what is installed.

use crate::cli::{MachineKind, Run};
use crate::external::QEMU;

/// What is said of it.
pub const REMARK: &str = "no QEMU is installed, so the simulated machine runs this \
     (`./jostle setup qemu` gets QEMU, `--machine qemu` too)";

/// The same run on the simulated machine, if it takes that one's place.
pub fn of(options: &Run) -> Option<Run> {
    let fits = options.machine.is_none()
        && super::only_here(options).is_none()
        && super::check(options).is_ok()
        && QEMU.find().is_none();
    fits.then(|| Run {
        machine: Some(MachineKind::Sim),
        ..options.clone()
    })
}
