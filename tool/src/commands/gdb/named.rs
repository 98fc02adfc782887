//! Names for two places that gdb has no word for: where a program is about to be ended
//! for what it did, and where an environment gets a CPU.
//!
//! The hard thing is the second one in QEMU. gdb knows no environments, and a CPU that
//! changes hands runs the same few instructions as one that does not. So it stops at
//! the one way out of the kernel on which another environment can begin, and looks into
//! the public table, which is mapped everywhere, for who is on this CPU.

use std::mem::{offset_of, size_of};

use abi::env::NENV;
use abi::layout::UENVS;
use abi::{EnvStatus, PublicEnv};

use crate::cli::At;

/// The bits of an id that are its slot in the public table.
const SLOT: usize = NENV - 1;

/// The definitions for a kernel in QEMU.
pub fn in_qemu() -> String {
    let table = format!(
        "({UENVS:#x} + (0x$arg0 & {SLOT}) * {})",
        size_of::<PublicEnv>()
    );
    let is = |offset: usize, value: &str| format!("*(int *) ({table} + {offset}) == {value}");
    let conditions = [
        is(offset_of!(PublicEnv, id), "0x$arg0"),
        is(
            offset_of!(PublicEnv, status),
            &(EnvStatus::Running as u32).to_string(),
        ),
        is(offset_of!(PublicEnv, cpunum), "$_thread - 1"),
    ];
    let runs = format!("break leave_by_frame if {}", conditions.join(" && "));
    definitions("break kcore::fault::crashed", &runs)
}

/// The definitions for the simulated machine.
pub fn in_simulation() -> String {
    definitions("monitor break crash", "monitor break env $arg0")
}

fn definitions(crash: &str, runs: &str) -> String {
    format!(
        "define break-crash\n{crash}\nend\n\
         document break-crash\n\
         Stop where a program is about to be ended for what it did.\n\
         end\n\
         define break-env\n{runs}\nend\n\
         document break-env\n\
         break-env ID: stop where this environment gets a CPU. The id is as the console\n\
         prints it: 1001, or 00001001.\n\
         end\n"
    )
}

/// The commands that lead there.
pub fn commands(at: At) -> Vec<String> {
    let stop = match at {
        At::Crash => "break-crash".to_owned(),
        At::Env(env) => format!("break-env {env}"),
        At::Position(_) => return Vec::new(),
    };
    vec![stop, "continue".to_owned()]
}

#[cfg(test)]
mod tests {
    use abi::EnvId;

    use super::*;

    /// The word behind `break-env` is what both debuggers put `0x` before.
    #[test]
    fn an_environment_is_named_as_on_the_console() {
        let [stop, go] = &commands(At::Env(EnvId(0x1001)))[..] else {
            panic!("two commands");
        };
        assert_eq!(
            (stop.as_str(), go.as_str()),
            ("break-env 00001001", "continue")
        );
    }

    #[test]
    fn the_table_is_as_long_as_the_kernels() {
        let slot = |id: i32| id as usize & SLOT;
        for id in [0x1000, 0x1001, 0x13ff, 0x2400, 0x7fff_ffff] {
            assert_eq!(slot(id), EnvId(id).slot(), "{id:#x}");
        }
        assert!(in_qemu().contains(&format!("(0x$arg0 & {SLOT})")));
    }
}
