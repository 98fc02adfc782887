//! What safe code cannot do with the library `user`, or with what `programs`
//! have in common: each case is a program that the compiler must refuse.
//!
//! The hard thing is a program that is refused for another reason, such as a
//! name that has changed. So the error's code is compared. A case that only
//! lacks `unsafe` is compiled a second time with it, and must pass; the others
//! are tried in the right way in [`PROMISED`].
//!
//! All of them are the binaries of one package outside of the workspace, which
//! one run of cargo checks.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Stdio;
use std::sync::OnceLock;

use anyhow::Context;
use jostle::build::inner_cargo;
use jostle::build::plan::Plan;
use jostle::workspace::Workspace;
use libtest_mimic::Failed;
use serde_json::Value;

use crate::trial::Trial;

/// A call to an unsafe function outside of `unsafe`.
const CALL_IS_UNSAFE: &str = "E0133";

/// A program that must not compile.
struct Case {
    name: &'static str,
    /// The code of every error in it.
    code: &'static str,
    /// What `main` does. `danger!` is where `unsafe` may be.
    body: &'static str,
}

const fn lacks_unsafe(name: &'static str, body: &'static str) -> Case {
    let code = CALL_IS_UNSAFE;
    Case { name, code, body }
}

const CASES: &[Case] = &[
    lacks_unsafe(
        "exofork_with_a_partial_copy",
        "fn program_and_stack(child: user::exofork::NewEnv) -> Result<(), user::Error> {
            for page in user::vm::program() {
                danger!(child.copy_page(page))?;
            }
            child.start()
        }
        let _ = danger!(user::exofork::exofork(program_and_stack));",
    ),
    lacks_unsafe(
        "copy_into_a_spawned_child",
        "let arguments: [&str; 0] = [];
        let Ok(child) = user::spawn::prepare(&[], &arguments) else { return };
        let _ = danger!(child.copy_page(0x0080_0000));",
    ),
    lacks_unsafe(
        "share_with_a_spawned_child",
        "let arguments: [&str; 0] = [];
        let Ok(child) = user::spawn::prepare(&[], &arguments) else { return };
        let _ = danger!(child.share_page(0x0080_0000));",
    ),
    lacks_unsafe(
        "start_a_child_that_is_not_complete",
        "for env in user::env::Env::all() {
            let runnable = user::EnvStatus::Runnable;
            let _ = danger!(user::sys::env_set_status(env.id(), runnable));
        }",
    ),
    lacks_unsafe(
        "renumber_the_calls_of_a_copy",
        "if let Ok(user::Fork::Parent(child)) = user::fork() {
            let other = user::abi::Personality::Lab5;
            let _ = danger!(user::sys::env_set_personality(child, other));
        }",
    ),
    lacks_unsafe(
        "handle_faults_with_floats",
        "let _ = danger!(user::page_fault::set_handler(|fault| {
            core::hint::black_box(f64::from(fault.eip) * 1.5);
        }));",
    ),
    lacks_unsafe(
        "skip_to_anywhere",
        "use user::exception::{self, Decision, Kind, Place};
        let _ = exception::set_handler(&[Kind::Divide], |exception| {
            Decision::SkipTo(danger!(Place::new(exception.frame.esp)))
        });",
    ),
    lacks_unsafe(
        "unmap_the_stack",
        "let _ = danger!(user::sys::page_unmap(user::EnvId::NONE, 0xeebf_d000));",
    ),
    lacks_unsafe(
        "enter_the_kernel_by_number",
        "use user::entry::{Entry, Int};
        danger!(Int::call2(6, 0, 0xeebf_d000));",
    ),
    lacks_unsafe(
        "map_a_disk_over_a_heap",
        "let _ = danger!(programs::disk_map::DiskMap::new());",
    ),
    lacks_unsafe(
        "take_the_x87_registers_from_the_compiler",
        "let unit = danger!(programs::fpu::Unit::take_over());
        unit.leave_a_product();",
    ),
    lacks_unsafe(
        "execute_generated_code",
        "let _ = danger!(programs::drilled::Native::take_over());",
    ),
    lacks_unsafe(
        "come_back_from_the_kernel_anywhere",
        "let state = programs::entry_state::EntryState { eip: 0x0080_0020, ..programs::entry_state::EntryState::GOOD };
        danger!(programs::entry_state::enter_fast(&state))",
    ),
    Case {
        name: "enter_where_the_kernel_may_not_offer_it",
        code: "E0603",
        body: "user::sys::getenvid_by(user::entry::Sysenter(()));",
    },
    lacks_unsafe(
        "share_a_heap_and_copy_its_owners",
        "let _ = danger!(user::sfork());",
    ),
    Case {
        name: "lend_a_thread_what_may_go_away",
        code: "E0597",
        body: "let number = 7;
        let borrowed = &number;
        let _ = user::thread::spawn(move || *borrowed);",
    },
    Case {
        name: "give_threads_what_is_for_one",
        code: "E0277",
        body: "let cell = core::cell::Cell::new(7);
        user::thread::scope(|scope| {
            let _ = scope.spawn(|| cell.set(8));
        });",
    },
    Case {
        name: "keep_a_value_without_its_lock",
        code: "E0505",
        body: "let mutex = user::sync::Mutex::new(7);
        let Ok(guard) = mutex.lock() else { return };
        let value = &*guard;
        drop(guard);
        assert!(*value == 7);",
    },
    Case {
        name: "run_code_while_a_child_is_filled",
        code: "E0308",
        body: "struct Argument;
        impl AsRef<str> for Argument {
            fn as_ref(&self) -> &str {
                let _ = user::spawn(&[], &[\"in the middle of another\"]);
                \"\"
            }
        }
        let _ = user::spawn(&[], &[Argument]);",
    },
];

/// What the refused forms stand beside: all of it compiles without `unsafe`.
const PROMISED: &str = "
    if let Some(sysenter) = user::interface::Interface::get().sysenter() {
        user::sys::getenvid_by(sysenter);
    }
    let Ok(child) = user::spawn::prepare(&[], &[\"name\", \"argument\"]) else { return };
    let _ = child.start();
    if let Ok(user::Fork::Child) = user::fork() {
        user::exit()
    }
    let _ = user::area::map_when_touched();
    let mutex = user::sync::Mutex::new(7);
    user::thread::scope(|scope| {
        let _ = scope.spawn(|| mutex.lock().map(|mut value| *value += 1));
    });
    let _ = user::thread::spawn(move || mutex.into_inner());
";

/// The binary with [`PROMISED`].
const PROMISED_NAME: &str = "promised";

pub fn trials() -> impl Iterator<Item = Trial> {
    let refused = CASES
        .iter()
        .map(|case| Trial::test(format!("safe_interface::{}", case.name), || refused(case)));
    let promised = Trial::test("safe_interface::promised", || compiles(PROMISED_NAME));
    refused.chain([promised])
}

fn refused(case: &Case) -> Result<(), Failed> {
    let errors = checked()?.errors.get(case.name);
    let errors = errors.map_or(&[][..], Vec::as_slice);
    if errors.is_empty() || errors.iter().any(|error| error.code != case.code) {
        return Err(format!("{} was expected, not {errors:#?}", case.code).into());
    }
    if case.code == CALL_IS_UNSAFE {
        compiles(&argued(case.name))?;
    }
    Ok(())
}

fn compiles(name: &str) -> Result<(), Failed> {
    let checked = checked()?;
    if checked.passed.contains(name) {
        return Ok(());
    }
    Err(format!("{name} does not compile: {:#?}", checked.errors.get(name)).into())
}

/// What the compiler said of the programs.
#[derive(Default)]
struct Checked {
    passed: BTreeSet<String>,
    errors: BTreeMap<String, Vec<Refusal>>,
}

/// One error.
#[derive(Debug)]
struct Refusal {
    /// Its code; empty for one that has none.
    code: String,
    #[expect(dead_code, reason = "shown when a case fails")]
    text: String,
}

/// They are checked once.
fn checked() -> Result<&'static Checked, String> {
    static CHECKED: OnceLock<Result<Checked, String>> = OnceLock::new();
    let checked = CHECKED.get_or_init(|| check().map_err(|error| format!("{error:#}")));
    checked.as_ref().map_err(Clone::clone)
}

fn check() -> anyhow::Result<Checked> {
    let workspace = Workspace::locate();
    let plan = Plan::make(&workspace)?;
    let package = workspace.target().join("safe-interface");
    write_package(&package, workspace.root())?;
    let output = inner_cargo::command(&workspace, &plan, "check", "safe-interface/built")
        .arg("--manifest-path")
        .arg(package.join("Cargo.toml"))
        .args(["--bins", "--keep-going", "--message-format=json"])
        .stdin(Stdio::null())
        .output()?;
    let mut checked = Checked::default();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        if let Ok(message) = serde_json::from_str(line) {
            checked.take(&message);
        }
    }
    let said = || String::from_utf8_lossy(&output.stderr).into_owned();
    // Where nothing at all was checked, cargo itself says why.
    (!checked.errors.is_empty())
        .then_some(())
        .with_context(said)?;
    Ok(checked)
}

impl Checked {
    /// Notes a line of cargo's.
    fn take(&mut self, message: &Value) {
        let Some(name) = message["target"]["name"].as_str() else {
            return;
        };
        if message["reason"] == "compiler-artifact" {
            self.passed.insert(name.to_owned());
        }
        let diagnostic = &message["message"];
        let text = diagnostic["rendered"].as_str().unwrap_or_default();
        if diagnostic["level"] == "error" && !text.starts_with("error: aborting") {
            let code = diagnostic["code"]["code"].as_str().unwrap_or_default();
            self.errors
                .entry(name.to_owned())
                .or_default()
                .push(Refusal {
                    code: code.to_owned(),
                    text: text.to_owned(),
                });
        }
    }
}

/// The name of a case with its `unsafe`.
fn argued(name: &str) -> String {
    format!("{name}_argued")
}

fn write_package(folder: &Path, root: &Path) -> anyhow::Result<()> {
    let sources = folder.join("src/bin");
    // Cases that are no more would be checked too.
    let _ = std::fs::remove_dir_all(&sources);
    std::fs::create_dir_all(&sources)?;
    let path = |name| serde_json::to_string(&root.join(name));
    let (user, programs) = (path("user")?, path("programs")?);
    let manifest = format!(
        "[package]\nname = \"safe-interface\"\nedition = \"2024\"\n\n\
         [dependencies]\nuser = {{ path = {user} }}\nprograms = {{ path = {programs} }}\n\n\
         [profile.guest]\ninherits = \"release\"\npanic = \"abort\"\n\n[workspace]\n"
    );
    std::fs::write(folder.join("Cargo.toml"), manifest)?;
    // The same versions, so that nothing else is downloaded.
    std::fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock"))?;
    let write = |name: &str, danger: &str, body: &str| {
        std::fs::write(
            sources.join(name).with_extension("rs"),
            program(danger, body),
        )
    };
    write(PROMISED_NAME, "$($code)*", PROMISED)?;
    for case in CASES {
        write(case.name, "$($code)*", case.body)?;
        if case.code == CALL_IS_UNSAFE {
            write(&argued(case.name), "unsafe { $($code)* }", case.body)?;
        }
    }
    Ok(())
}

/// A program in which `danger!(CODE)` means `danger`.
fn program(danger: &str, body: &str) -> String {
    format!(
        "#![no_std]\n#![no_main]\n#![allow(unused_macros)]\n\
         macro_rules! danger {{ ($($code:tt)*) => {{ {danger} }} }}\n\
         user::program!(main);\n\
         fn main() {{\n{body}\n}}\n"
    )
}
