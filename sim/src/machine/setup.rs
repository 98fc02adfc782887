//! What a simulated machine looks like before the first environment runs.
//!
//! The hard thing: the tables that the kernel borrows must outlive it. So the
//! caller owns them, in a [`Store`].

use super::registers::MXCSR_MASK;
use super::spec::{KERNEL_PGDIR, UENVS_FRAMES, UENVS_TABLE, UPAGES_FRAMES, UPAGES_TABLE};
use super::{Cpu, Fpu, Machine, Mode, Spec, Uart};
use crate::log::Log;
use crate::memory::Memory;
use crate::mmu::Tlb;
use abi::env::NENV;
use abi::layout::{DIRECT_MAP_SIZE, KERNBASE, PGSIZE, PTSIZE, UENVS, UPAGES, UVPT, pdx};
use abi::{EnvId, EnvType, Perm, Personality, TrapFrame};
use kcore::elf::Image;
use kcore::env::{Env, Slot};
use kcore::frames::Frame;
use kcore::{Boot, Config, End, Event, Kernel, LoadError, Pfn, PhysMem, Tables};
use witness::trace::{Trace, Words};

/// What to make a first environment from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Program<'a> {
    /// Its ELF image.
    pub image: &'a [u8],
    /// Strings ended by NUL bytes.
    pub arguments: &'a [u8],
    /// The edition that it was built for.
    pub personality: Personality,
    /// What it is for.
    pub kind: EnvType,
    /// A file to map for it; empty for none.
    pub archive: &'a [u8],
}

/// The tables that a kernel borrows, all-zero.
pub struct Store {
    frames: Vec<Frame>,
    envs: Box<[Env; NENV]>,
    console: Vec<u8>,
    trace: Vec<Words>,
}

impl Store {
    /// Tables of the sizes that `spec` wants.
    pub fn new(spec: &Spec) -> Store {
        Store {
            trace: vec![Words::default(); spec.trace],
            ..Store::with_sizes(spec.frames as usize, spec.console)
        }
    }

    /// Tables for `frames` frames and `console` bytes of console ring, without a
    /// trace.
    pub fn with_sizes(frames: usize, console: usize) -> Store {
        let envs: Box<[Env]> = vec![Env::default(); NENV].into();
        Store {
            frames: vec![Frame::default(); frames],
            envs: envs.try_into().expect("just made with this length"),
            console: vec![0; console],
            trace: Vec::new(),
        }
    }

    /// Lends the tables and the trace to a kernel.
    pub fn lend(&mut self) -> (Tables<'_>, Trace<'_>) {
        let tables = Tables {
            frames: &mut self.frames,
            envs: &mut self.envs,
            console: &mut self.console,
        };
        (tables, Trace::new(&mut self.trace))
    }
}

impl<'t> Machine<'t> {
    /// A machine whose CPUs are all about to enter the kernel for the first
    /// time. `store` must have been made for the same `spec` and never used.
    pub fn new(store: &'t mut Store, spec: Spec) -> Machine<'t> {
        let mut memory = Memory::new(spec.all_frames());
        page_tables(&mut memory, &spec);
        let config = Config {
            kernel_pgdir: KERNEL_PGDIR,
            uenvs: UENVS_FRAMES.address(),
            upages: UPAGES_FRAMES.address(),
            quantum: spec.quantum,
            policy: spec.policy,
            started: 0,
            ten_ms: spec.ten_ms,
            lifecycle: spec.lifecycle,
            end: End::PowerOff,
            grading: spec.grading,
            cpus: spec.cpus,
            features: spec.features,
            fpu_images: spec.image(Slot(0)),
            mxcsr_mask: MXCSR_MASK,
        };
        let usable = std::iter::once(spec.usable());
        let (tables, trace) = store.lend();
        let cpu = Cpu {
            mode: Mode::Waiting(Event::Wake),
            frame: TrapFrame::default(),
            cr3: KERNEL_PGDIR,
            leaving: None,
            tlb: Tlb::default(),
            ipi: false,
            mail: None,
            due: None,
            fpu: Fpu::default(),
        };
        Machine {
            kernel: Kernel::new(memory, trace, tables, config, usable),
            cpus: vec![cpu; spec.cpus.into()],
            holder: None,
            now: 0,
            uart: Uart {
                instant: true,
                ..Uart::default()
            },
            end: None,
            usage_bits: true,
            log: None,
            readings: None,
            trace: Vec::new(),
            spec,
            scratch: Vec::new(),
        }
    }

    /// A machine with one environment, of lab 4, which runs on CPU 0.
    pub fn with_one_env(store: &'t mut Store, spec: Spec) -> Machine<'t> {
        let mut machine = Machine::new(store, spec);
        machine.boot(0x80_0020, Personality::Lab4);
        machine.calm_down();
        machine
    }

    /// Keeps a log from now on. Call this before the first environment is made.
    pub fn keep_log(&mut self) -> &mut Log {
        let usable = std::iter::once(self.spec.usable());
        self.log.insert(Log::begin(&self.kernel, usable))
    }

    /// Makes an environment from an ELF image. `arguments` are strings ended by
    /// NUL bytes.
    pub fn boot_image(
        &mut self,
        image: &[u8],
        arguments: &[u8],
        personality: Personality,
    ) -> Result<EnvId, LoadError> {
        self.boot_program(Program {
            image,
            arguments,
            personality,
            ..Program::default()
        })
    }

    /// Makes a first environment, of any kind.
    pub fn boot_program(&mut self, program: Program<'_>) -> Result<EnvId, LoadError> {
        let mut start = self.spec.modules().start * PGSIZE;
        let end = self.spec.modules().end * PGSIZE;
        let [image, archive] = [program.image, program.archive].map(|file| {
            let image = Image {
                start,
                len: file.len() as u32,
            };
            assert!(start + image.len <= end, "the file fits its place");
            self.kernel.mem().write_bytes(start, file);
            start += image.len.next_multiple_of(PGSIZE);
            image
        });
        let boot = Boot {
            image,
            arguments: program.arguments,
            personality: program.personality,
            kind: program.kind,
            archive,
        };
        if let Some(log) = &mut self.log {
            log.module(&boot);
        }
        let result = self.kernel.boot_env(boot);
        let read = self.kernel.mem().take_read();
        if let Some(log) = &mut self.log {
            log.made(&read, result);
        }
        result
    }

    /// Makes an environment that starts at `entry` with nothing but a stack.
    pub fn boot(&mut self, entry: u32, personality: Personality) -> EnvId {
        self.boot_image(&crate::image::elf(entry, &[]), &[], personality)
            .expect("an image without segments loads")
    }
}

/// The kernel's own page tables: the public windows, and the direct map.
fn page_tables(memory: &mut Memory, spec: &Spec) {
    let mut set = |directory_entry_of: u32, value: u32| {
        memory.write(KERNEL_PGDIR.address() + pdx(directory_entry_of) * 4, value);
    };
    let read = Perm::READ.bits();
    set(UENVS, UENVS_TABLE.address() | read);
    set(UPAGES, UPAGES_TABLE.address() | read);
    set(UVPT, KERNEL_PGDIR.address() | read);
    let large = (Perm::P | Perm::W | Perm::PS | Perm::G).bits();
    for pa in (0..DIRECT_MAP_SIZE).step_by(PTSIZE as usize) {
        set(KERNBASE + pa, pa | large);
    }
    let windows = [
        (UENVS_TABLE, UENVS_FRAMES.0..UPAGES_FRAMES.0),
        (UPAGES_TABLE, UPAGES_FRAMES.0..spec.usable().start),
    ];
    for (table, frames) in windows {
        for (index, frame) in frames.enumerate() {
            memory.write(
                table.address() + index as u32 * 4,
                Pfn(frame).address() | read,
            );
        }
    }
}
