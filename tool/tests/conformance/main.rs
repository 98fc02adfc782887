//! Boots the guest in QEMU, many times, and judges what it prints.
//!
//! Every case is an ordinary named test: `cargo test --test conformance spin`
//! runs those with "spin" in their name. A case that fails shows the end of
//! the console and the command that repeats it.

mod accounts;
mod backtraces;
mod benches;
mod bochs;
mod boot;
mod boot_matrix;
mod c;
mod checkpoints;
mod command_line;
mod console;
mod crashes;
mod debug;
mod determinism;
mod documents;
mod features;
mod foreign;
mod forged_madt;
mod gdb;
mod grade;
mod grading;
mod handlers;
mod holds;
mod hostility;
mod ids;
mod ids_agree;
mod image;
mod input;
mod labs;
mod layers;
mod left_on;
mod loaded;
mod machine_options;
mod monitor_socket;
mod ordeals;
mod own;
mod pictures;
mod planted;
mod planted_core;
mod planted_simulated;
mod private_copy;
mod programs;
mod prompt;
mod records;
mod replay;
mod safe_interface;
mod samples;
mod schedules;
mod scheduling;
mod scratch;
mod simulated;
mod sizes;
mod sources;
mod starting;
mod threads;
mod trace;
mod trial;
mod web;
mod without_qemu;

use std::process::ExitCode;

use libtest_mimic::Arguments;

use self::trial::Trial;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // With one thread, the harness would begin a case's line before the case.
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    arguments.test_threads.get_or_insert(cores.max(2));
    let mut trials: Vec<Trial> = programs::trials()
        .chain(ids::trials())
        .chain(ids_agree::trials())
        .chain(determinism::trials())
        .chain(holds::trials())
        .chain(accounts::trials())
        .chain(benches::trials())
        .chain(planted::trials())
        .chain(planted_core::trials())
        .chain(planted_simulated::trials())
        .chain(replay::trials())
        .chain(trace::trials())
        .chain(command_line::trials())
        .chain(bochs::trials())
        .chain(boot_matrix::trials())
        .chain(gdb::trials())
        .chain(debug::trials())
        .chain(records::trials())
        .chain(grade::trials())
        .chain(machine_options::trials())
        .chain(checkpoints::trials())
        .chain(image::trials())
        .chain(starting::trials())
        .chain(backtraces::trials())
        .chain(crashes::trials())
        .chain(foreign::trials())
        .chain(grading::trials())
        .chain(prompt::trials())
        .chain(private_copy::trials())
        .chain(input::trials())
        .chain(hostility::trials())
        .chain(safe_interface::trials())
        .chain(ordeals::trials())
        .chain(labs::trials())
        .chain(layers::trials())
        .chain(loaded::trials())
        .chain(sizes::trials())
        .chain(simulated::trials())
        .chain(samples::trials())
        .chain(threads::trials())
        .chain(schedules::trials())
        .chain(scheduling::trials())
        .chain(without_qemu::trials())
        .chain(pictures::trials())
        .chain(web::trials())
        .chain(c::trials())
        .chain(own::trials())
        .collect();
    let names = trials.iter().map(|trial| trial.name().to_owned());
    trials.extend(documents::trials(names.collect()));
    let trials = trials.into_iter().map(Trial::into_inner).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}
