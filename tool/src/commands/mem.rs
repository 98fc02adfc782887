//! `jostle mem`: the memory of a program's environments over time, as a picture.
//!
//! It is what `run --machine sim --trace` and `trace --memory` make, in one command. The
//! hard thing is a program that never ends: it is drawn as far as its picture may go, and
//! that is said.

use std::path::PathBuf;

use anyhow::anyhow;
use pc::Pc;
use pc::ide::Ide;
use sim::machine::{Machine, Store};
use witness::trace::Record;

use crate::boot::Asked;
use crate::cli::{MachineKind, Mem};
use crate::host::Host;
use crate::pictures::model::Builder;
use crate::pictures::{MOST, memory, output};
use crate::plants;
use crate::report::{note, result};
use crate::simulated::Image;
use crate::simulated::boot::setup_of;
use crate::status::{self, usage};
use crate::workspace::Workspace;

/// Ticks of the simulated machine in a second.
const HZ: u64 = 1_000_000_000;
/// Positions between two looks at the trace.
const STRETCH: u64 = 20_000;
/// The most positions that are drawn.
const LONGEST: u64 = 50_000_000;

/// Runs the program, and draws.
pub fn mem(options: &Mem) -> anyhow::Result<u8> {
    check(options)?;
    let workspace = Workspace::locate();
    let asked = Asked::check(&workspace, &options.run)?;
    plants::tool::take_over(&workspace, &options.run.append)?;
    let host = Host::without_emulator()?;
    let boot = asked.build(&host)?;
    boot.announce(false);
    let folder = workspace.root();
    let mut setup = setup_of(folder, &boot.machine, false)?;
    setup.trace = true;
    let mut store = Store::new(&setup.spec());
    let mut machine = Machine::new(&mut store, setup.spec());
    for complaint in setup.boot(&mut machine) {
        note(complaint);
    }
    let mut pc = Pc::new(machine, options.run.simulation().unwrap_or_default());
    if let Some(path) = &boot.machine.disk {
        pc.disk = Some(Ide::new(Image::open(&folder.join(path), true)?.contents()));
    }
    let mut builder = Builder::new(HZ, 0);
    loop {
        let moved = pc.advance(STRETCH);
        for words in std::mem::take(&mut pc.machine.trace) {
            let record = Record::from_words(words).ok_or(anyhow!("a record of no kind"))?;
            builder.add(&record, true).map_err(anyhow::Error::msg)?;
        }
        if moved == 0 || pc.has_ended() {
            break;
        }
        if builder.events() > MOST || pc.position() > LONGEST {
            note(format_args!(
                "only the first {} positions are drawn: the program goes on",
                pc.position()
            ));
            break;
        }
    }
    let name = name(options);
    let path = match &options.output {
        Some(path) => path.clone(),
        None => PathBuf::from(format!("{name}.memory.svg")),
    };
    output::write(&path, &memory::drawing(&builder.finish(), &name))?;
    result(format_args!("{}\n", path.display()));
    Ok(status::CLEAN)
}

/// What the picture is called.
fn name(options: &Mem) -> String {
    let program = options.run.program.as_deref().map(std::path::Path::new);
    let name = program.and_then(|program| program.file_stem());
    name.map_or("prompt".into(), |name| name.to_string_lossy().into_owned())
}

/// Refuses what makes no sense here.
fn check(options: &Mem) -> anyhow::Result<()> {
    let run = &options.run;
    if run.machine != Some(MachineKind::Sim) {
        return Err(usage(
            "mem is for the simulated machine; of a run in QEMU, `jostle trace --memory` draws it",
        ));
    }
    if run.program.is_none() {
        return Err(usage("mem needs a program"));
    }
    run.refuse_for("mem")
}
