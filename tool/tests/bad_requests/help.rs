//! Help and refusal: what a command refuses is not in its help, and what is in its help is
//! not refused.
//!
//! The hard thing is that a refusal comes in several places; so each option is really
//! given, with a program that there is not, which is said if nothing else is wrong.

use clap::{Arg, Command, CommandFactory};
use jostle::cli::Cli;

use super::{Scratch, refused};

/// The commands that take what `run` takes.
const LIKE_RUN: [&str; 5] = ["gdb", "debug", "explore", "try", "mem"];

/// Something that each option takes, if it takes a value and has no default.
fn value(option: &Arg, file: &str) -> Option<String> {
    if !option.get_action().takes_values() {
        return None;
    }
    let word = match option.get_long()? {
        "with" => "type=fs:hello",
        "nic" => "e1000",
        "gdb-port" => "1234",
        "pace" => "fair",
        "explain" => "off",
        "machine" => "sim",
        "at" => "crash",
        "append" => "quantum=5",
        "personality" => "lab5",
        "disk" | "batch" => file,
        "save" => "/dev/shm/x.schedule",
        "cpus" | "bound" => "2",
        "record" | "trace" | "output" | "console" => "/dev/shm/no-such-file",
        "fail" | "prints" | "never-prints" => "text",
        "execute" => "where",
        _ => "16",
    };
    Some(word.to_owned())
}

/// What is said of a command with this option.
fn said(command: &Command, option: &Arg, file: &str) -> String {
    let name = option.get_long().expect("a long name");
    let mut words = vec![command.get_name().to_owned(), "no-such-program".into()];
    words.push(match value(option, file) {
        Some(value) => format!("--{name}={value}"),
        None => format!("--{name}"),
    });
    // These two are of use only with another one.
    match name {
        "snapshot" => words.push(format!("--disk={file}")),
        "stopped" => words.push("--gdb-port=1234".into()),
        _ => {}
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    refused(&words)
}

#[test]
fn help_names_what_is_not_refused() {
    let disk = Scratch::new("help-disk", &[0; 512]);
    let definition = Cli::command();
    for name in LIKE_RUN {
        let command = definition.find_subcommand(name).expect("a command");
        let mut refusals = 0;
        // The kernel's own search takes no program; another machine is another command's.
        let other = ["kernel", "plant", "machine"];
        let is_option = |argument: &&Arg| {
            let long = argument.get_long();
            long.is_some_and(|long| !other.contains(&long))
        };
        for option in command.get_arguments().filter(is_option) {
            let long = option.get_long().expect("a long name");
            let line = said(command, option, disk.path());
            let is_refused = line.contains("knows no");
            assert_eq!(is_refused, option.is_hide_set(), "{name} --{long}: {line}");
            let is_about_program = line.contains("no-such-program");
            assert!(is_refused || is_about_program, "{name} --{long}: {line}");
            refusals += usize::from(is_refused);
        }
        assert!(refusals > 3, "{name}: {refusals}");
    }
}
