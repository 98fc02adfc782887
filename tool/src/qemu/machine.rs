//! The QEMU command line: one machine, two ways to time it.
//!
//! `-smp N` alone would put all CPUs into one socket, and the MP table that
//! SeaBIOS writes lists one CPU a socket: hence `sockets=N`. The two timings
//! exclude each other: parallel threads find races, instruction counting
//! repeats a run exactly.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::log_memory::LogMemory;
use crate::nic::Nic;
use crate::plants;

/// How the guest's CPUs are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timing {
    /// One host thread a CPU: real races, real time.
    Parallel,
    /// All CPUs in turn, time counted in instructions: exactly repeatable.
    InstructionCount,
    /// The same, with each instruction translated apart, so that QEMU's log of what is
    /// executed names all of them.
    SingleInstructions(Spelling),
}

/// How an emulator is asked for [`Timing::SingleInstructions`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    /// Before QEMU 8.1.
    Option,
    /// From then on; 9.0 has forgotten the first.
    Property,
}

/// What is connected to the guest's serial input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// A person at a terminal; Ctrl-A X quits, Ctrl-C stops everything.
    Terminal,
    /// A person at a terminal; Ctrl-A X quits, Ctrl-C is the guest's.
    Prompt,
    /// A pipe, a file or nothing: every byte is the guest's.
    Stream,
}

/// A machine and what it boots. All paths are relative to the workspace's
/// root or absolute, and free of the characters QEMU would split them at.
#[derive(Debug, Clone)]
pub struct Machine {
    /// How many CPUs.
    pub cpus: u32,
    /// How they are laid out, as `-smp` takes it after their number; each in
    /// a socket of its own if this does not say.
    pub layout: Option<String>,
    /// Size of the memory in MiB.
    pub memory_mib: u32,
    /// How the CPUs are run.
    pub timing: Timing,
    /// The multiboot kernel.
    pub kernel: PathBuf,
    /// Its arguments, after its own path.
    pub kernel_args: String,
    /// The boot modules: path and words each, see [`super::module_line`].
    pub modules: Vec<OsString>,
    /// The second disk of the first IDE channel, where JOS's lab 5 has its
    /// file system.
    pub disk: Option<PathBuf>,
    /// Whether what is written to the disk is forgotten at the end.
    pub snapshot: bool,
    /// Run by the simulated machine, not by QEMU.
    pub simulated: Option<Simulated>,
    /// There, check all after every step.
    pub audit: bool,
    /// The network card.
    pub nic: Option<Nic>,
    /// What the guest's console input is.
    pub input: Input,
    /// Further arguments of QEMU.
    pub further: Vec<OsString>,
    /// The log devices' memories.
    pub logs: Vec<LogMemory>,
}

/// What a simulated run needs beside the machine.
#[derive(Debug, Clone)]
pub struct Simulated {
    /// What decides it.
    pub config: pc::Config,
    /// The words that ask for it again; its record has them.
    pub words: Vec<OsString>,
}

impl Machine {
    /// What runs it, in a sentence.
    pub fn name(&self) -> &'static str {
        match self.simulated {
            Some(_) => "the simulated machine",
            None => "QEMU",
        }
    }

    /// Whether the kernel is told to wake a planted bug.
    pub fn wakes_plant(&self) -> bool {
        self.kernel_args.split_whitespace().any(plants::wakes)
    }

    /// QEMU's arguments, without its own name.
    pub fn arguments(&self) -> Vec<OsString> {
        let mut line = Line::default();
        match self.timing {
            Timing::Parallel => line.words(["-accel", "tcg,thread=multi"]),
            Timing::InstructionCount => line.counting("tcg"),
            Timing::SingleInstructions(Spelling::Property) => {
                line.counting("tcg,one-insn-per-tb=on");
            }
            Timing::SingleInstructions(Spelling::Option) => {
                line.counting("tcg");
                line.words(["-singlestep"]);
            }
        }
        line.option("-smp", self.processors());
        line.option("-m", self.memory_mib.to_string());
        line.words(["-display", "none", "-net", "none", "-no-reboot"]);
        line.words(["-monitor", "none"]);
        if let Some(nic) = &self.nic {
            line.option("-netdev", nic.network());
            line.option("-device", nic.device());
        }
        line.option("-chardev", self.console());
        line.words(["-serial", "chardev:console"]);
        line.option("-device", "isa-debug-exit,iobase=0xf4,iosize=0x04");
        line.0.extend_from_slice(&self.further);
        for log in &self.logs {
            line.option("-object", log.object());
            line.option("-device", format!("ivshmem-plain,memdev={}", log.name()));
        }
        if !self.logs.is_empty() {
            // Leaves room for them. The kernel maps no RAM that high.
            line.words(["-machine", "max-ram-below-4g=3G"]);
        }
        line.option("-kernel", &self.kernel);
        line.option("-append", &self.kernel_args);
        line.option("-initrd", self.modules.join(OsStr::new(",")));
        if let Some(path) = &self.disk {
            line.option("-drive", drive(path, self.snapshot));
        }
        line.0
    }

    fn processors(&self) -> String {
        match (self.cpus, &self.layout) {
            (cpus, Some(layout)) => format!("{cpus},{layout}"),
            (1, None) => "1".to_owned(),
            (cpus, None) => format!("{cpus},sockets={cpus}"),
        }
    }

    fn console(&self) -> &'static str {
        match self.input {
            // The multiplexer is what understands Ctrl-A X.
            Input::Terminal => "stdio,id=console,mux=on,signal=on",
            Input::Prompt => "stdio,id=console,mux=on,signal=off",
            Input::Stream => "stdio,id=console,signal=on",
        }
    }
}

/// A raw disk; its path is named in a way that nothing in it can be taken for
/// another protocol's.
fn drive(path: &Path, snapshot: bool) -> OsString {
    let mut drive = OsString::from("if=ide,index=1,media=disk,format=raw,");
    if snapshot {
        drive.push("snapshot=on,");
    }
    drive.push("file.driver=file,file.filename=");
    drive.push(path);
    drive
}

#[derive(Default)]
struct Line(Vec<OsString>);

impl Line {
    fn words<const N: usize>(&mut self, words: [&str; N]) {
        self.0.extend(words.map(OsString::from));
    }

    /// The reference line for counting instructions: see `jostle bench`.
    fn counting(&mut self, accelerator: &str) {
        self.words([
            "-accel",
            accelerator,
            "-icount",
            "shift=0,sleep=off",
            "-rtc",
            "base=2026-01-01T00:00:00,clock=vm",
        ]);
    }

    fn option(&mut self, name: &str, value: impl AsRef<OsStr>) {
        self.0.push(name.into());
        self.0.push(value.as_ref().into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quoting::shell_word;
    use witness::log_memory::Purpose;

    fn machine() -> Machine {
        Machine {
            cpus: 4,
            layout: None,
            memory_mib: 128,
            timing: Timing::Parallel,
            kernel: "target/kernel".into(),
            kernel_args: "lifecycle=on".into(),
            modules: vec!["target/hello a%20b".into(), "target/yield".into()],
            disk: None,
            snapshot: false,
            simulated: None,
            audit: false,
            nic: None,
            input: Input::Stream,
            further: Vec::new(),
            logs: Vec::new(),
        }
    }

    fn joined(machine: &Machine) -> String {
        let words: Vec<String> = machine
            .arguments()
            .iter()
            .map(|word| shell_word(word))
            .collect();
        words.join(" ")
    }

    #[test]
    fn every_cpu_has_its_socket() {
        let line = joined(&machine());
        assert!(line.contains("-smp 4,sockets=4"), "{line}");
        assert!(line.contains("-accel tcg,thread=multi"), "{line}");
        assert!(line.ends_with(
            "-kernel target/kernel -append lifecycle=on -initrd 'target/hello a%20b,target/yield'"
        ));
        assert!(!line.contains("-drive"), "{line}");
        assert!(!line.contains("ivshmem"), "{line}");
    }

    #[test]
    fn another_layout_and_further_arguments() {
        let machine = Machine {
            layout: Some("cores=2,threads=2".into()),
            further: vec!["-S".into()],
            ..machine()
        };
        let line = joined(&machine);
        assert!(line.contains("-smp 4,cores=2,threads=2 "), "{line}");
        assert!(line.contains(" -S -kernel "), "{line}");
    }

    /// The beginning of the reference line for instruction counts, word for word.
    #[test]
    fn counting_uses_the_reference_line() {
        let machine = Machine {
            cpus: 1,
            timing: Timing::InstructionCount,
            ..machine()
        };
        let line = joined(&machine);
        assert!(
            line.starts_with(
                "-accel tcg -icount shift=0,sleep=off -rtc base=2026-01-01T00:00:00,clock=vm \
                 -smp 1 -m 128 -display none -net none -no-reboot -monitor none "
            ),
            "{line}"
        );
        assert!(!line.contains("thread="), "{line}");
    }

    #[test]
    fn single_instructions_are_asked_for_in_two_ways() {
        let single = |spelling| {
            joined(&Machine {
                timing: Timing::SingleInstructions(spelling),
                ..machine()
            })
        };
        let old = single(Spelling::Option);
        assert!(old.contains("-accel tcg -icount ") && old.contains(" -singlestep -smp"));
        let new = single(Spelling::Property);
        assert!(
            new.contains("-accel tcg,one-insn-per-tb=on -icount ") && !new.contains("-singlestep")
        );
    }

    #[test]
    fn at_the_prompt_an_interrupt_is_the_guests() {
        let line = |input| joined(&Machine { input, ..machine() });
        assert!(line(Input::Prompt).contains("mux=on,signal=off"));
        assert!(line(Input::Terminal).contains("mux=on,signal=on"));
        assert!(!line(Input::Stream).contains("mux"));
    }

    #[test]
    fn a_disk_is_the_second_of_its_channel() {
        let machine = Machine {
            disk: Some("target/fs:img".into()),
            ..machine()
        };
        let line = joined(&machine);
        assert!(line.contains("-drive if=ide,index=1,"), "{line}");
        assert!(line.ends_with(",file.filename=target/fs:img"), "{line}");
        assert!(!line.contains("snapshot"), "{line}");
        let machine = Machine {
            snapshot: true,
            ..machine
        };
        let line = joined(&machine);
        assert!(line.contains(",snapshot=on,file.driver=file,"), "{line}");
    }

    #[test]
    fn a_card_has_a_network_of_its_own() {
        let nic = Nic::parse("e1000,tcp:8080:80").expect("valid");
        let line = joined(&Machine {
            nic: Some(nic),
            ..machine()
        });
        assert!(
            line.contains(
                " -netdev user,id=nic,hostfwd=tcp:127.0.0.1:8080-:80 \
                 -device e1000,netdev=nic,romfile= "
            ),
            "{line}"
        );
    }

    #[test]
    fn each_log_gets_its_device() {
        let log = |purpose, path: &str, mib| LogMemory {
            purpose,
            path: path.into(),
            mib,
        };
        let machine = Machine {
            logs: vec![
                log(Purpose::Record, "/tmp/r", 8),
                log(Purpose::Trace, "/tmp/t, s", 16),
            ],
            ..machine()
        };
        let line = joined(&machine);
        assert!(line.contains("id=record,share=on,size=8M,mem-path=/tmp/r "));
        assert!(line.contains(",size=16M,mem-path=/tmp/t,, s"), "{line}");
        for name in ["record", "trace"] {
            let device = format!("-device ivshmem-plain,memdev={name}");
            assert!(line.contains(&device), "{line}");
        }
    }
}
