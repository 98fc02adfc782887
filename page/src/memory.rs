//! Mappings of an environment, and the walk of one address.
//!
//! The hard thing is that there are three answers to where an address leads: what the
//! page tables say, and what each CPU remembers of them; so all are given.

use crate::json::Json;
use abi::EnvId;
use abi::layout::PGSIZE;
use kcore::{Pfn, PhysMem};
use pc::Pc;

const PRESENT: u32 = 1;
const LARGE: u32 = 0x80;
/// What makes two neighbours one line of the list: present, writeable, user, and the
/// three bits that the kernel leaves to programs.
const ALIKE: u32 = 0xe07;
/// Bytes that are shown at an address.
const SHOWN: u32 = 64;

/// An entry's bits in words.
pub fn bits(entry: u32) -> String {
    let names = [
        (1, "present"),
        (2, "writeable"),
        (4, "user"),
        (0x20, "accessed"),
        (0x40, "dirty"),
        (LARGE, "large"),
        (0x400, "shared"),
        (0x800, "copy-on-write"),
    ];
    let set = names.iter().filter(|(bit, _)| entry & bit != 0);
    set.map(|(_, name)| *name).collect::<Vec<_>>().join(", ")
}

/// What an environment has mapped, in stretches of pages alike.
pub fn mappings(pc: &Pc<'_>, id: EnvId) -> String {
    let memory = pc.machine.kernel.memory();
    let envs = pc.machine.kernel.envs();
    let space = envs.find(id).map(|slot| envs[slot].space);
    let pages = space.into_iter().flat_map(|space| space.mappings(memory));
    let mut stretches: Vec<(u32, u32, u32)> = Vec::new();
    for (va, entry) in pages {
        let bits = entry.0 & ALIKE;
        match stretches.last_mut() {
            Some((_, end, alike)) if *end == va && *alike == bits => *end += PGSIZE,
            _ => stretches.push((va, va + PGSIZE, bits)),
        }
    }
    let mut json = Json::default();
    json.object(|json| {
        json.list("stretches", |json| {
            for (from, to, entry) in stretches {
                json.object(|json| {
                    json.word("from", from);
                    json.word("to", to);
                    json.plain("pages", (to - from) / PGSIZE);
                    json.string("bits", bits(entry & !(PRESENT | 4)));
                });
            }
        });
    });
    json.text()
}

/// The walk of one address in the page tables of an environment, or of the kernel.
pub fn walk(pc: &Pc<'_>, id: EnvId, va: u32) -> String {
    let memory = pc.machine.kernel.memory();
    let own = pc.directory(id);
    let directory = own.unwrap_or(pc.machine.kernel.config().kernel_pgdir);
    let upper_at = directory.address() + (va >> 22) * 4;
    let upper = memory.read(upper_at);
    let lower = (upper & PRESENT != 0 && upper & LARGE == 0).then(|| {
        let at = (upper & !0xfff) + (va >> 12 & 0x3ff) * 4;
        (at, memory.read(at))
    });
    let mut json = Json::default();
    json.object(|json| {
        json.word("va", va);
        json.word("directory", directory.address());
        json.list("walk", |json| {
            entry(json, "directory", va >> 22, upper_at, upper);
            if let Some((at, lower)) = lower {
                entry(json, "table", va >> 12 & 0x3ff, at, lower);
            }
        });
        let leads = match lower {
            Some((_, lower)) if lower & PRESENT != 0 => Some((lower & !0xfff) | va & 0xfff),
            None if upper & PRESENT != 0 => Some((upper & !0x3f_ffff) | va & 0x3f_ffff),
            _ => None,
        };
        if let Some(pa) = leads {
            json.word("pa", pa);
            if Pfn(pa >> 12).0 < pc.machine.usable().end {
                json.plain(
                    "references",
                    pc.machine.kernel.frames().count(Pfn(pa >> 12)),
                );
            }
        }
        json.list("remembered", |json| {
            for (number, cpu) in pc.machine.cpus.iter().enumerate() {
                if let Some(translation) = cpu.tlb.get(va & !0xfff) {
                    json.object(|json| {
                        json.plain("cpu", number);
                        json.word("frame", translation.frame.address());
                        json.plain("writeable", translation.writeable);
                        json.plain("same", cpu.cr3 == directory);
                    });
                }
            }
        });
        let line =
            (0..SHOWN).map(
                |index| match pc.byte(directory, (va & !15).wrapping_add(index)) {
                    Some(byte) => format!("{byte:02x}"),
                    None => "--".into(),
                },
            );
        json.string("bytes", line.collect::<Vec<_>>().join(" "));
    });
    json.text()
}

fn entry(json: &mut Json, level: &str, index: u32, at: u32, entry: u32) {
    json.object(|json| {
        json.string("level", level);
        json.plain("index", index);
        json.word("at", at);
        json.word("entry", entry);
        json.string("bits", bits(entry));
    });
}
