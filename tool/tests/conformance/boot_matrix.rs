//! Promise P12: the kernel boots where it says, or says why it does not.
//!
//! Sizes of memory by numbers of CPUs, then layouts of CPUs, boards and
//! processors, one boot each. The hard thing is a machine that lies: a CPU
//! that is listed and never comes. No emulator has one, so a table of our own
//! is put where the kernel looks before it looks at the firmware's.

use std::ffi::OsString;

use jostle::expect::{Expect, Line, regex, text};
use jostle::qemu::machine::Machine;
use jostle::qemu::verdict::Verdict;
use libtest_mimic::Failed;

use crate::boot::{Boot, host};
use crate::console::{FIRST, booted, exiting, first, free, nothing_left};
use crate::forged_madt;
use crate::left_on;
use crate::programs::LIMIT_SECONDS;
use crate::trial::Trial;

/// MiB: the least, odd ones, around the end of the direct map, around the
/// hole below 4 GiB where devices are, and the most.
const SIZES: [u32; 16] = [
    8, 9, 12, 16, 32, 64, 128, 255, 256, 257, 512, 1024, 2048, 3072, 3584, 4096,
];

const CPU_COUNTS: [u32; 4] = [1, 2, 4, 8];

/// A machine that differs from the usual one.
struct Odd {
    name: &'static str,
    /// As QEMU counts.
    cpus: u32,
    /// How they are laid out, if not each in its socket.
    layout: Option<&'static str>,
    /// Further arguments of QEMU.
    further: &'static [&'static str],
    /// How many the kernel must find.
    found: u32,
    /// Lines beside the usual ones.
    says: &'static [&'static str],
    /// What runs there.
    run: Run,
}

/// What runs on a machine.
#[derive(Clone, Copy)]
enum Run {
    /// `hello`.
    Hello,
    /// Beside it, what asks most of a processor: calls by the way that there is,
    /// forks, the x87 and SSE registers, and whole states taken and set.
    More,
}

/// So many CPUs, laid out so, all of which are found.
const fn layout(name: &'static str, cpus: u32, layout: &'static str) -> Odd {
    Odd {
        name,
        cpus,
        layout: Some(layout),
        further: &[],
        found: cpus,
        says: &[],
        run: Run::Hello,
    }
}

/// Two CPUs and these arguments.
const fn board(name: &'static str, further: &'static [&'static str]) -> Odd {
    Odd {
        name,
        cpus: 2,
        layout: None,
        further,
        found: 2,
        says: &[],
        run: Run::More,
    }
}

const ODD: &[Odd] = &[
    layout("one_socket", 4, "sockets=1,cores=4"),
    layout("cores_and_threads", 4, "sockets=1,cores=2,threads=2"),
    layout("sockets_and_cores", 4, "sockets=2,cores=2"),
    // Ids are powers of two in each level, so these leave some out.
    layout("id_gap_between_sockets", 6, "sockets=2,cores=3"),
    layout("id_gaps_on_all_levels", 12, "sockets=2,cores=3,threads=2"),
    layout("places_for_more", 2, "sockets=4,maxcpus=4"),
    layout("nine", 9, "sockets=9"),
    layout("nine_cores", 9, "sockets=1,cores=9"),
    layout("sixteen", 16, "sockets=16"),
    layout("thirty_two", 32, "sockets=32"),
    Odd {
        found: 32,
        says: &["SMP: 1 CPUs too many, not started"],
        ..layout("one_too_many", 33, "sockets=33")
    },
    Odd {
        found: 32,
        says: &["SMP: 32 CPUs too many, not started"],
        ..layout("too_many_with_gaps", 64, "sockets=4,cores=16")
    },
    board("without_acpi", &["-M", "pc,acpi=off"]),
    Odd {
        // The table that is left lists the first CPU of each socket.
        found: 2,
        ..layout_without_acpi("without_acpi_cores", 4, "sockets=2,cores=2")
    },
    layout_without_acpi("without_acpi_eight", 8, "sockets=8"),
    layout_without_acpi("without_acpi_twenty", 20, "sockets=20"),
    Odd {
        // SeaBIOS has no room for so long a table, and leaves none.
        found: 1,
        ..layout_without_acpi("without_any_table", 32, "sockets=32")
    },
    board("q35", &["-M", "q35"]),
    board("q35_without_acpi", &["-M", "q35,acpi=off"]),
    board("microvm", &["-M", "microvm"]),
    Odd {
        cpus: 1,
        found: 1,
        ..board("isapc", &["-M", "isapc", "-cpu", "pentium3"])
    },
    board("pentium", &["-cpu", "pentium"]),
    board("pentium2", &["-cpu", "pentium2"]),
    board("athlon", &["-cpu", "athlon"]),
    board("n270", &["-cpu", "n270"]),
    board("everything", &["-cpu", "max"]),
    board("pentium3", &["-cpu", "pentium3"]),
    board("coreduo", &["-cpu", "coreduo"]),
    board("core2duo", &["-cpu", "core2duo"]),
    board("phenom", &["-cpu", "phenom"]),
    board("kvm32", &["-cpu", "kvm32"]),
    board("qemu64", &["-cpu", "qemu64"]),
    board("opteron_g3", &["-cpu", "Opteron_G3"]),
    board("nehalem", &["-cpu", "Nehalem"]),
    board("haswell", &["-cpu", "Haswell"]),
    board("epyc", &["-cpu", "EPYC"]),
    board("without_sysenter", &["-cpu", "qemu32,-sep"]),
    board("without_fxsave", &["-cpu", "qemu32,-fxsr"]),
    board("without_sse", &["-cpu", "qemu32,-sse,-sse2"]),
    board("without_global_pages", &["-cpu", "qemu32,-pge,-mce"]),
];

/// One CPU, and a place for another that is not the same.
const PLACE_FOR_SECOND: &str = "sockets=2,maxcpus=2";

/// The second CPU, as QEMU is told of it: with FXSAVE `on` or `off`.
fn second(fxsave: &str) -> Result<OsString, Failed> {
    let qemu = host()?.qemu().ok_or("no emulator")?;
    // The build for 64 bits calls its processors by another name.
    let is_wide = qemu.path.to_string_lossy().ends_with("x86_64");
    let kind = if is_wide { "x86_64" } else { "i386" };
    let place = "socket-id=1,core-id=0,thread-id=0";
    Ok(format!("qemu32-{kind}-cpu,{place},fxsr={fxsave}").into())
}

const fn layout_without_acpi(name: &'static str, cpus: u32, how: &'static str) -> Odd {
    Odd {
        further: &["-M", "pc,acpi=off"],
        ..layout(name, cpus, how)
    }
}

/// A table that is not the firmware's, on a machine with so many CPUs.
struct Forged {
    name: &'static str,
    cpus: u32,
    /// The APIC ids that it lists.
    listed: &'static [u8],
    found: u32,
    /// Those that never come.
    missing: &'static [u8],
}

const FORGED: &[Forged] = &[
    Forged {
        name: "last_never_starts",
        cpus: 2,
        listed: &[0, 1, 2],
        found: 3,
        missing: &[2],
    },
    // Its number goes to the next one.
    Forged {
        name: "middle_never_starts",
        cpus: 2,
        listed: &[0, 7, 1],
        found: 3,
        missing: &[7],
    },
    Forged {
        name: "boot_cpu_comes_last",
        cpus: 4,
        listed: &[3, 2, 1, 0],
        found: 4,
        missing: &[],
    },
    Forged {
        name: "boot_cpu_is_not_listed",
        cpus: 2,
        listed: &[1],
        found: 2,
        missing: &[],
    },
    Forged {
        name: "fewer_than_there_are",
        cpus: 4,
        listed: &[0, 2],
        found: 2,
        missing: &[],
    },
    Forged {
        name: "listed_twice_and_broadcast",
        cpus: 2,
        listed: &[0, 1, 1, 0, 255],
        found: 2,
        missing: &[],
    },
    Forged {
        name: "nobody_is_listed",
        cpus: 2,
        listed: &[],
        found: 1,
        missing: &[],
    },
];

/// A case for each machine.
pub fn trials() -> impl Iterator<Item = Trial> {
    let sizes = SIZES.into_iter().flat_map(|mib| {
        CPU_COUNTS.map(|cpus| {
            let name = format!("boot_matrix::memory::{mib}_mib_{cpus}_cpus");
            Trial::test(name, move || memory(mib, cpus))
        })
    });
    let odd = ODD.iter().map(|machine| {
        let name = format!("boot_matrix::machine::{}", machine.name);
        Trial::test(name, move || odd(machine))
    });
    let forged = FORGED.iter().map(|table| {
        let name = format!("boot_matrix::table::{}", table.name);
        Trial::test(name, move || forged(table))
    });
    let refused = [
        Trial::test(
            "boot_matrix::firmware::everything_left_on",
            everything_left_on,
        ),
        Trial::test(
            "boot_matrix::firmware::keeps_another_time",
            keeps_another_time,
        ),
        Trial::test(
            "boot_matrix::machine::first_without_fxsave",
            first_without_fxsave,
        ),
        Trial::test(
            "boot_matrix::machine::second_without_fxsave",
            second_without_fxsave,
        ),
        Trial::test("boot_matrix::machine::keeps_fpu_data", keeps_fpu_data),
        Trial::test("boot_matrix::refused::no_apic", no_apic),
        Trial::test("boot_matrix::refused::too_little_memory", too_little_memory),
    ];
    sizes.chain(odd).chain(forged).chain(refused)
}

/// All of `hello`, at the end of a boot that found so many CPUs and started
/// so many more than the first.
fn hello(expect: Expect) -> Expect {
    let [no_more, the_end] = nothing_left();
    expect.in_order([
        first(),
        text("hello, world"),
        text(&format!("i am environment {FIRST}")),
        exiting(FIRST),
        free(FIRST, FIRST),
        no_more,
        the_end,
    ])
}

/// The kernel says that there is more memory than it can use.
fn unused() -> Line {
    regex("[0-9]+K of RAM lie beyond the direct map's 256 MiB and stay unused")
}

fn memory(mib: u32, cpus: u32) -> Result<(), Failed> {
    let (mem, count) = (mib.to_string(), cpus.to_string());
    let words = ["hello", "--mem", &mem, "--cpus", &count];
    let boot = boot(&words, |_| ())?;
    // Firmware keeps less than a MiB for itself.
    let least = (mib.min(3072) - 1) * 1024;
    let announced = boot.console().lines().any(|line| {
        let kib = line.strip_prefix("Physical memory: ");
        let kib = kib.and_then(|rest| rest.split_once("K available"));
        kib.is_some_and(|(kib, _)| kib.parse().is_ok_and(|kib: u32| kib >= least))
    });
    let beyond = usize::from(mib > 256);
    let expect = hello(booted(cpus)).times(beyond, unused());
    let mut complaints = boot.complaints(&expect);
    if !announced {
        complaints.push(format!("less than {least}K of memory are announced"));
    }
    boot.judge(&complaints)
}

fn odd(odd: &Odd) -> Result<(), Failed> {
    let words = match odd.run {
        Run::Hello => "hello",
        Run::More => MORE,
    };
    let words: Vec<&str> = words.split(' ').collect();
    let boot = boot(&words, |machine| {
        machine.cpus = odd.cpus;
        machine.layout = odd.layout.map(str::to_owned);
        machine.further = odd.further.iter().map(Into::into).collect();
    })?;
    let expect = odd.says.iter().fold(hello(booted(odd.found)), |all, line| {
        all.times(1, text(line))
    });
    let expect = match odd.run {
        Run::Hello => expect,
        Run::More => more(expect),
    };
    boot.judge(&boot.complaints(&expect))
}

/// What [`Run::More`] starts. Lines come in any order.
const MORE: &str = "hello + yield + forktree + fpuregs + fpuleft + selectors + rollback";

fn more(expect: Expect) -> Expect {
    // Ids grow with what else lived in a slot.
    let node = |depth: usize| regex(&format!("[0-9a-f]{{4,8}}: I am '[01]{{{depth}}}'"));
    (0..4)
        .fold(expect, |expect, depth| {
            expect.times(1 << depth, node(depth))
        })
        .times(1, text("All done in environment 00001001."))
        .times(1, text("16000 of 16000 found as left"))
        .times(1, text("a clean unit"))
        .times(1, text("nothing is left in the unit, 20 times"))
        .times(1, text("600 of 600 selectors found as left"))
        // A state is the same whether the processor has FXSAVE or not.
        .times(15, regex("number [0-9], sum [0-9]+, registers kept: true"))
        .times(1, text("the same in another child: true"))
        .never(regex(".*TRAP frame.*"))
}

/// Firmware left everything as no kernel would have it.
fn everything_left_on() -> Result<(), Failed> {
    let rom = left_on::write()?;
    let words: Vec<&str> = MORE.split(' ').collect();
    let boot = boot(&words, |machine| {
        machine.cpus = 2;
        machine.further = rom.arguments();
    })?;
    boot.judge(&boot.complaints(&more(hello(booted(2)))))
}

/// A CPU whose counter is a second late and cannot be set.
fn keeps_another_time() -> Result<(), Failed> {
    let boot = boot(&["hello", "--append", "plant=late-clock"], |machine| {
        machine.cpus = 2;
    })?;
    judge_left_out(&boot, "keeps another time")
}

/// A CPU with a feature that the first one lacks, which must do without: environments
/// with numbers of their own come to both. (An emulator that knows an instruction on one
/// CPU knows it on all, so a kernel that used it is found out in every second run.)
fn first_without_fxsave() -> Result<(), Failed> {
    let words = ["hello"].into_iter().chain(["+", "mandelbrot"].repeat(6));
    let words: Vec<_> = words.collect();
    let second = second("on")?;
    let boot = boot(&words, |machine| {
        machine.cpus = 1;
        machine.layout = Some(PLACE_FOR_SECOND.to_owned());
        machine.further = ["-cpu", "qemu32,fxsr=off", "-device"]
            .map(Into::into)
            .into();
        machine.further.push(second);
    })?;
    boot.judge(&boot.complaints(&hello(booted(2))))
}

/// A CPU without a feature that the first one uses.
fn second_without_fxsave() -> Result<(), Failed> {
    let second = second("off")?;
    let boot = boot(&["hello"], |machine| {
        machine.cpus = 1;
        machine.layout = Some(PLACE_FOR_SECOND.to_owned());
        machine.further = vec!["-device".into(), second];
    })?;
    judge_left_out(&boot, "lacks what the first has")
}

/// The second CPU is left out, and it is said why.
fn judge_left_out(boot: &Boot, why: &str) -> Result<(), Failed> {
    let line = format!("SMP: the CPU with APIC id 1 {why}, left out");
    let expect = hello(Expect::new())
        .times(1, text(&line))
        .times(0, regex("SMP: CPU 1 starting"));
    boot.judge(&boot.complaints(&expect))
}

/// A fault that only a processor without FXSAVE can show: FNINIT empties the
/// registers' tags and leaves what was in them.
fn keeps_fpu_data() -> Result<(), Failed> {
    let console = |append: &str| -> Result<String, Failed> {
        let boot = boot(&["fpuleft", "--append", append], |machine| {
            machine.cpus = 1;
            machine.further = ["-cpu", "qemu32,-fxsr"].map(Into::into).into();
        })?;
        Ok(boot.console())
    };
    // What the one that finds something says as it dies.
    let found = "a dead environment's numbers";
    let good = console("")?.contains(found);
    let planted = console("plant=keep-fpu-data")?.contains(found);
    match (good, planted) {
        (false, true) => Ok(()),
        _ => Err(format!("found: {good}; with the fault: {planted}").into()),
    }
}

fn forged(table: &Forged) -> Result<(), Failed> {
    let forgery = forged_madt::write(table.name, table.listed)?;
    let boot = boot(&["hello"], |machine| {
        machine.cpus = table.cpus;
        machine.further = forgery.arguments();
    })?;
    let missing = table.missing.len();
    let up = table.found as usize - missing;
    let expect = hello(Expect::new())
        .in_order([text(&format!("SMP: CPU 0 found {} CPU(s)", table.found))])
        .times(missing, regex("SMP: the CPU .* left out"))
        .times(up - 1, regex("SMP: CPU [0-9]+ starting"))
        .in_order((1..up).map(|cpu| text(&format!("SMP: CPU {cpu} starting"))))
        .in_order(table.missing.iter().map(|id| {
            text(&format!(
                "SMP: the CPU with APIC id {id} does not start, left out"
            ))
        }));
    boot.judge(&boot.complaints(&expect))
}

fn no_apic() -> Result<(), Failed> {
    let line = "This processor lacks one of CPUID, x87, PSE, TSC, MSR, APIC, or it is switched off: cannot run.";
    refused(text(line), |machine| {
        machine.cpus = 1;
        machine.further = ["-M", "isapc"].map(Into::into).into();
    })
}

fn too_little_memory() -> Result<(), Failed> {
    refused(regex(".*not enough memory"), |machine| {
        machine.memory_mib = 2;
    })
}

/// It must end with a panic's verdict, and this line as its reason.
fn refused(line: Line, change: impl FnOnce(&mut Machine)) -> Result<(), Failed> {
    let boot = boot(&["hello"], change)?;
    let mut complaints = Expect::new()
        .times(1, line)
        .never(text("hello, world"))
        .complaints(&boot.console());
    if *boot.verdict() != Verdict::Panic {
        complaints.push(format!("ended with {:?}", boot.verdict()));
    }
    boot.judge(&complaints)
}

fn boot(words: &[&str], change: impl FnOnce(&mut Machine)) -> Result<Boot, Failed> {
    let words = [words, &["--timeout", LIMIT_SECONDS]].concat();
    Ok(Boot::on(&words, change)?)
}
