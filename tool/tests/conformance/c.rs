//! Programs in C: the header says what the interface is, and the examples print what their
//! twins in Rust print.
//!
//! The hard thing is a header that nobody compares: a number that is wrong in it makes
//! another call. So a C file is generated from the crate `abi`, a claim for each number,
//! size and place, and compiled.

use std::fmt::Write;
use std::mem::{offset_of, size_of};
use std::process::Command;

use abi::call::{self, Call, Personality};
use abi::{EnvState, EnvStatus, EnvType, Error, ExceptionFrame, PageInfo, PageRange, Perm};
use abi::{PublicEnv, PushRegs, TrapFrame, UTrapFrame, layout};
use jostle::expect::{Expect, text};
use libtest_mimic::Failed;

use crate::boot::{Boot, host_of_simulations};
use crate::command_line::status_is;
use crate::console::{FIRST, booted, exiting};
use crate::handlers;
use crate::programs::{LIMIT_SECONDS, Scope};
use crate::scratch::Scratch;
use crate::trial::Trial;

type Rule = fn(Expect, Scope, u32) -> Expect;

/// What each example must print.
const EXAMPLES: [(&str, Rule); 5] = [
    ("hello", hello),
    ("forktree", handlers::forktree),
    ("faultalloc", handlers::faultalloc),
    ("pingpong", handlers::pingpong),
    ("selftest", selftest),
];

pub fn trials() -> impl Iterator<Item = Trial> {
    let on_both = EXAMPLES.into_iter().flat_map(|(name, rule)| {
        [
            Trial::test(format!("c::in_qemu::{name}"), move || {
                prints(name, rule, &[1, 4], &["--icount"])
            }),
            Trial::test(format!("c::simulated::{name}"), move || {
                prints(name, rule, &[1, 2, 4], &["--machine=sim"])
            }),
            // As on a JOS kernel, of either numbering.
            Trial::test(format!("c::without_extensions::{name}"), move || {
                let bare = ["--machine=sim", "--append=extensions=off"];
                prints(name, rule, &[2], &bare)?;
                prints(
                    name,
                    rule,
                    &[2],
                    &[&bare[..], &["--personality=lab6"]].concat(),
                )
            }),
        ]
    });
    on_both.chain([
        Trial::test("c::header_agrees", header_agrees),
        Trial::test("c::errors_have_their_texts", errors_have_their_texts),
        Trial::test("c::what_is_missing_is_named", missing_compiler),
        Trial::test("c::a_mistake_is_the_compilers_to_tell", mistake),
    ])
}

fn hello(expect: Expect, _: Scope, _: u32) -> Expect {
    expect.in_order([
        text("hello, world"),
        text("i am environment 00001000"),
        exiting(FIRST),
    ])
}

fn selftest(expect: Expect, _: Scope, _: u32) -> Expect {
    expect.in_order([text("all is well"), exiting(FIRST)])
}

/// An example prints what it must on several numbers of CPUs.
fn prints(name: &str, rule: Rule, counts: &[u32], options: &[&str]) -> Result<(), Failed> {
    let root = host_of_simulations()?.workspace.root();
    let file = root.join(format!("c/examples/{name}.c"));
    let file = file.to_str().ok_or("a path that is no text")?;
    for &cpus in counts {
        let word = cpus.to_string();
        let words = [
            &[file, "--cpus", &word, "--timeout", LIMIT_SECONDS],
            options,
        ]
        .concat();
        let boot = Boot::new(&words)?;
        let expect = rule(booted(cpus), Scope::AnyInterleaving, cpus);
        boot.judge(&boot.complaints(&expect))?;
    }
    Ok(())
}

/// A C file of claims.
struct Claims(String);

impl Claims {
    fn new() -> Claims {
        Claims("#include <lib.h>\n".into())
    }

    fn equal(&mut self, expression: &str, value: u32) {
        let claim = expression.replace('"', "\\\"");
        let _ = writeln!(
            self.0,
            "_Static_assert((unsigned) ({expression}) == {value}u, \"{claim} is {value}\");"
        );
    }

    /// The size of a structure, and where its fields are.
    fn layout(&mut self, name: &str, size: usize, fields: &[(&str, usize)]) {
        self.equal(&format!("sizeof(struct {name})"), size as u32);
        for (field, place) in fields {
            self.equal(&format!("offsetof(struct {name}, {field})"), *place as u32);
        }
    }
}

fn calls(claims: &mut Claims) {
    for &call in Call::ALL {
        let name = call.name();
        let number = |personality: Personality| {
            let calls = personality.calls();
            calls.iter().position(|known| *known == call)
        };
        match call::common_number(call) {
            Some(number) => claims.equal(&format!("SYS_{name}"), number),
            None => {
                let lab4 = number(Personality::Lab4).map(|number| ("LAB4", number));
                let lab6 = number(Personality::Lab6).map(|number| ("LAB5", number));
                for (lab, number) in lab4.into_iter().chain(lab6) {
                    claims.equal(&format!("SYS_{lab}_{name}"), number as u32);
                }
            }
        }
        // There is a function, and it is linked.
        let _ = match call {
            Call::Exofork => writeln!(
                claims.0,
                "envid_t use_{name}(void) {{ return sys_{name}(); }}"
            ),
            _ => writeln!(claims.0, "void *use_{name} = (void *) sys_{name};"),
        };
    }
    let features = [
        ("SYSENTER", call::FEATURE_SYSENTER),
        ("IPC_SEND", call::FEATURE_IPC_SEND),
        ("SBRK", call::FEATURE_SBRK),
        ("PERSONALITY", call::FEATURE_PERSONALITY),
        ("JOBS", call::FEATURE_JOBS),
        ("GETC", call::FEATURE_GETC),
        ("PAGES", call::FEATURE_PAGES),
        ("EXCEPTIONS", call::FEATURE_EXCEPTIONS),
        ("CALL", call::FEATURE_CALL),
        ("TIME", call::FEATURE_TIME),
        ("FUTEX", call::FEATURE_FUTEX),
        ("SCHEDULING", call::FEATURE_SCHEDULING),
        ("STATE", call::FEATURE_STATE),
        ("RECV_FROM", call::FEATURE_RECV_FROM),
    ];
    for (name, bit) in features {
        claims.equal(&format!("FEATURE_{name}"), bit);
    }
    let all = features.map(|(name, _)| format!("FEATURE_{name}"));
    claims.equal(&all.join(" | "), call::FEATURES);
    claims.equal("WANTS_PAGE", call::WANTS_PAGE);
}

fn constants(claims: &mut Claims) {
    for (name, value) in [
        ("KERNBASE", layout::KERNBASE),
        ("ULIM", layout::ULIM),
        ("UVPT", layout::UVPT),
        ("uvpd", layout::UVPD),
        ("UPAGES", layout::UPAGES),
        ("UENVS", layout::UENVS),
        ("UTOP", layout::UTOP),
        ("UXSTACKTOP", layout::UXSTACKTOP),
        ("USTACKTOP", layout::USTACKTOP),
        ("ARCHIVE", layout::ARCHIVE),
        ("UTEXT", layout::UTEXT),
        ("PFTEMP", layout::PFTEMP),
        ("UTEMP", layout::UTEMP),
        ("USTABDATA", layout::USTABDATA),
        ("PGSIZE", layout::PGSIZE),
        ("PGSHIFT", layout::PGSHIFT),
        ("PTSIZE", layout::PTSIZE),
        ("NPTENTRIES", layout::NPTENTRIES),
        ("PDX(0x12345678)", layout::pdx(0x1234_5678)),
        ("PTX(0x12345678)", layout::ptx(0x1234_5678)),
        ("NENV", abi::env::NENV as u32),
        ("PTE_P", Perm::P.bits()),
        ("PTE_W", Perm::W.bits()),
        ("PTE_U", Perm::U.bits()),
        ("PTE_PWT", Perm::PWT.bits()),
        ("PTE_PCD", Perm::PCD.bits()),
        ("PTE_A", Perm::A.bits()),
        ("PTE_D", Perm::D.bits()),
        ("PTE_PS", Perm::PS.bits()),
        ("PTE_G", Perm::G.bits()),
        ("PTE_SHARE", Perm::SHARE.bits()),
        ("PTE_COW", Perm::COW.bits()),
        ("PTE_AVAIL", Perm::AVAIL.bits()),
        ("PTE_SYSCALL", Perm::SYSCALL.bits()),
        ("FEC_WR", abi::trap::FAULT_WRITE),
        ("ENV_FREE", EnvStatus::Free as u32),
        ("ENV_DYING", EnvStatus::Dying as u32),
        ("ENV_RUNNABLE", EnvStatus::Runnable as u32),
        ("ENV_RUNNING", EnvStatus::Running as u32),
        ("ENV_NOT_RUNNABLE", EnvStatus::NotRunnable as u32),
        ("ENV_TYPE_USER", EnvType::User as u32),
        ("ENV_TYPE_FS", EnvType::FileServer as u32),
        ("ENV_TYPE_NS", EnvType::NetworkServer as u32),
        ("RANGE_SHARE", PageRange::SHARE),
        ("RANGE_COPY", PageRange::COPY),
        ("RANGE_ALLOC", PageRange::ALLOC),
        ("RANGE_UNMAP", PageRange::UNMAP),
        ("RANGE_BOTH", PageRange::BOTH),
        ("RANGE_REST", PageRange::REST),
        ("RANGE_MAX", PageRange::MAX),
        ("MAXERROR", Error::ALL.len() as u32 + 1),
    ] {
        claims.equal(name, value);
    }
    for error in Error::ALL {
        claims.equal(c_name(error), error as u32);
    }
}

/// What JOS calls an error.
fn c_name(error: Error) -> &'static str {
    match error {
        Error::Unspecified => "E_UNSPECIFIED",
        Error::BadEnv => "E_BAD_ENV",
        Error::Inval => "E_INVAL",
        Error::NoMem => "E_NO_MEM",
        Error::NoFreeEnv => "E_NO_FREE_ENV",
        Error::Fault => "E_FAULT",
        Error::IpcNotRecv => "E_IPC_NOT_RECV",
        Error::Eof => "E_EOF",
        Error::NoDisk => "E_NO_DISK",
        Error::MaxOpen => "E_MAX_OPEN",
        Error::NotFound => "E_NOT_FOUND",
        Error::BadPath => "E_BAD_PATH",
        Error::FileExists => "E_FILE_EXISTS",
        Error::NotExec => "E_NOT_EXEC",
        Error::NotSupp => "E_NOT_SUPP",
        Error::TimedOut => "E_TIMED_OUT",
    }
}

/// The layout of a structure: its fields in C by those in Rust.
macro_rules! layout {
    ($claims:ident, $c:literal, $rust:ty, $($field:ident $c_field:literal),* $(,)?) => {
        $claims.layout($c, size_of::<$rust>(), &[$(($c_field, offset_of!($rust, $field))),*]);
    };
}

fn traps(claims: &mut Claims) {
    layout!(claims, "PushRegs", PushRegs,
        edi "reg_edi", esi "reg_esi", ebp "reg_ebp", oesp "reg_oesp",
        ebx "reg_ebx", edx "reg_edx", ecx "reg_ecx", eax "reg_eax");
    layout!(claims, "Trapframe", TrapFrame,
        regs "tf_regs", es "tf_es", ds "tf_ds", trapno "tf_trapno", err "tf_err",
        eip "tf_eip", cs "tf_cs", eflags "tf_eflags", esp "tf_esp", ss "tf_ss");
    layout!(claims, "UTrapframe", UTrapFrame,
        fault_va "utf_fault_va", err "utf_err", regs "utf_regs",
        eip "utf_eip", eflags "utf_eflags", esp "utf_esp");
    layout!(claims, "ExceptionFrame", ExceptionFrame, fault "ef_fault", vector "ef_vector");
}

fn structures(claims: &mut Claims) {
    layout!(claims, "Env", PublicEnv,
        tf "env_tf", link "env_link", id "env_id", parent_id "env_parent_id",
        env_type "env_type", status "env_status", runs "env_runs", cpunum "env_cpunum",
        pgdir "env_pgdir", pgfault_upcall "env_pgfault_upcall",
        ipc_recving "env_ipc_recving", ipc_dstva "env_ipc_dstva",
        ipc_value "env_ipc_value", ipc_from "env_ipc_from", ipc_perm "env_ipc_perm");
    layout!(claims, "PageInfo", PageInfo, link "pp_link", refs "pp_ref", pad "pp_pad");
    layout!(claims, "PageRange", PageRange,
        action "pr_action", source "pr_source", source_va "pr_source_va",
        target "pr_target", target_va "pr_target_va", pages "pr_pages",
        any "pr_any", none "pr_none", clear "pr_clear", set "pr_set",
        done "pr_done", result "pr_result");
    layout!(claims, "EnvState", EnvState,
        frame "es_frame", pending "es_pending", printed "es_printed", upcall "es_upcall",
        exception_entry "es_exception_entry", exception_mask "es_exception_mask",
        heap_start "es_heap_start", heap_end "es_heap_end",
        personality "es_personality", env_type "es_env_type", dstva "es_dstva",
        value "es_value", from "es_from", perm "es_perm",
        float_format "es_float_format", reserved "es_reserved", float "es_float");
}

/// Runs a C program of this text, and returns what the tool said, if it failed.
fn run(name: &str, source: &str) -> Result<(Option<i32>, String, String), Failed> {
    let scratch = Scratch::new(&format!("c-{name}"))?;
    let file = scratch.file("program.c");
    std::fs::write(&file, source)?;
    let output = Command::new(env!("CARGO_BIN_EXE_jostle"))
        .args(["run", "--machine=sim"])
        .arg(&file)
        .output()?;
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    Ok((
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    ))
}

fn header_agrees() -> Result<(), Failed> {
    let mut claims = Claims::new();
    calls(&mut claims);
    constants(&mut claims);
    traps(&mut claims);
    structures(&mut claims);
    claims.0 += "int main(int argc, char **argv) { cprintf(\"it agrees\\n\"); return 0; }\n";
    let (status, console, said) = run("header", &claims.0)?;
    if status == Some(0) && console.contains("it agrees\n") && !said.contains("warning") {
        return Ok(());
    }
    let wrong: Vec<&str> = said.lines().filter(|line| line.contains("error")).collect();
    Err(format!("{}\n{said}{console}", wrong.join("\n")).into())
}

fn errors_have_their_texts() -> Result<(), Failed> {
    let mut source = "#include <lib.h>\nvoid umain(int argc, char **argv)\n{\n".to_owned();
    for error in Error::ALL {
        let _ = writeln!(source, "cprintf(\"%e, %e\\n\", {0}, -{0});", c_name(error));
    }
    source += "cprintf(\"%e, %e\\n\", 0, -99);\n}\n";
    let (_, console, said) = run("errors", &source)?;
    let mut texts = Error::ALL
        .map(|error| format!("{0}, {0}", error.message()))
        .to_vec();
    texts.push("no error, unknown error".into());
    let lines: Vec<&str> = console.lines().collect();
    let missing: Vec<&String> = texts
        .iter()
        .filter(|text| !lines.contains(&text.as_str()))
        .collect();
    match missing.is_empty() {
        true => Ok(()),
        false => Err(format!("not printed: {missing:?}\n{console}{said}").into()),
    }
}

fn mistake() -> Result<(), Failed> {
    let (status, _, said) = run(
        "mistake",
        "#include <lib.h>\nint main(void) { return x; }\n",
    )?;
    let told = said.contains("program.c:2") && said.contains("it could not be compiled");
    match status == Some(1) && told {
        true => Ok(()),
        false => Err(format!("{status:?}\n{said}").into()),
    }
}

/// Without a compiler in the search path, the tool says which one it needs, and `doctor` that
/// there is none.
fn missing_compiler() -> Result<(), Failed> {
    let scratch = Scratch::new("no-compiler")?;
    let root = host_of_simulations()?.workspace.root();
    for name in ["cargo", "rustc"] {
        let there = which::which(name).map_err(|error| error.to_string())?;
        std::os::unix::fs::symlink(there, scratch.file(name))?;
    }
    let output = Command::new(env!("CARGO_BIN_EXE_jostle"))
        .args(["run", "--machine=sim"])
        .arg(root.join("c/examples/hello.c"))
        .env("PATH", scratch.file(""))
        .output()?;
    status_is(1, &output)?;
    let said = String::from_utf8_lossy(&output.stderr);
    let wanted = "jostle: a C compiler for 32-bit x86 is needed: gcc on x86, or clang";
    if !said
        .lines()
        .last()
        .is_some_and(|line| line.starts_with(wanted))
    {
        return Err(said.into_owned().into());
    }
    let found = Command::new(env!("CARGO_BIN_EXE_jostle"))
        .arg("doctor")
        .env("PATH", scratch.file(""))
        .output()?;
    let found = String::from_utf8_lossy(&found.stdout);
    match found.contains("C for i386       not there") {
        true => Ok(()),
        false => Err(found.into_owned().into()),
    }
}
