//! The `jostle` command: parse, do, turn the outcome into an exit status.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use jostle::cli::{self, Command};
use jostle::{commands, report, simulated, status};

fn main() -> ExitCode {
    let cli = match cli::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(status) => return status.into(),
    };
    let outcome = match cli.command {
        Command::Run(options) => commands::run::run(&options),
        Command::Gdb(options) => commands::gdb::gdb(&options),
        Command::Debug(options) => commands::debug::debug(&options),
        Command::Image(options) => commands::image::image(&options),
        Command::Grade(options) => commands::grade::grade(&options),
        Command::Simulate(options) => simulated::simulate(&options),
        Command::StandIn(options) => commands::grade::stand_in::stand_in(&options),
        Command::Test(options) => commands::test::test(&options),
        Command::Bench(options) => commands::bench::bench(&options),
        Command::Replay { file } => commands::replay::replay(&file),
        Command::Trace(options) => commands::trace::trace(&options),
        Command::Mem(options) => commands::mem::mem(&options),
        Command::Web(options) => commands::web::web(&options),
        Command::Explore(options) => commands::explore::explore(&options),
        Command::New(options) => commands::new::new(&options),
        Command::Try(options) => commands::trying::try_out(&options),
        Command::Lab(options) => commands::lab::lab(&options),
        Command::Doc { open } => commands::doc::doc(open),
        Command::Book { open, sources } => commands::book::book(open, sources.as_deref()),
        Command::Doctor => commands::doctor::doctor(),
        Command::Setup { part, private } => commands::setup::setup(part, private),
        Command::Clean { all } => commands::clean::clean(all),
    };
    let status = outcome.unwrap_or_else(|error| {
        report::note(format_args!("{error:#}"));
        status::of_error(&error)
    });
    report::final_status(status).into()
}
