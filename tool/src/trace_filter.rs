//! Which records of a trace somebody asks for.
//!
//! The hard thing is what "about an environment" means. A record is about the
//! one that entered the kernel, about any that it names, and about the one
//! whose address space it names: what a dead environment had mapped is removed
//! when its id is gone, so the owner of each page directory is remembered.

use std::collections::HashMap;

use abi::EnvId;
use abi::layout::{PGSIZE, PTSIZE};
use kcore::Pfn;
use witness::trace::{Content, Mapping, Record};

use crate::cli::Trace as Options;

/// The filters that were asked for, and what they need to decide.
pub struct Selection<'o> {
    options: &'o Options,
    /// The last environment that had each page directory.
    owners: HashMap<Pfn, EnvId>,
}

impl<'o> Selection<'o> {
    /// The filters that these options ask for.
    pub fn new(options: &'o Options) -> Selection<'o> {
        Selection {
            options,
            owners: HashMap::new(),
        }
    }

    /// Whether a record is asked for. They have to come in their order, and
    /// all of them.
    pub fn wants(&mut self, record: &Record) -> bool {
        if let Content::Born { env, pgdir, .. } = record.content {
            self.owners.insert(pgdir, env);
        }
        let Options {
            env,
            frame,
            address,
            kind,
            cpu,
            ..
        } = self.options;
        let what = record.content;
        env.is_none_or(|id| self.environments(record).contains(&EnvId(id.cast_signed())))
            && frame.is_none_or(|frame| frames(what).contains(&Some(Pfn(frame))))
            && address.is_none_or(|va| is_at(what, va))
            && (kind.is_empty() || kind.contains(&what.kind()))
            && cpu.is_none_or(|cpu| cpus(record) >> cpu & 1 != 0)
    }

    /// The environments that a record is about.
    fn environments(&self, record: &Record) -> [EnvId; 3] {
        const NONE: EnvId = EnvId::NONE;
        let (one, other) = match record.content {
            Content::Inserted(it) | Content::Removed(it) | Content::TableMade(it) => {
                let owner = self.owners.get(&it.pgdir).copied();
                (it.env, owner.unwrap_or(NONE))
            }
            Content::Delivered { to, from, .. } => (to, from),
            Content::Sends { to, .. } => (to, NONE),
            Content::Born { env, parent, .. } => (env, parent),
            Content::Died { env, killer, .. } => (env, killer),
            Content::Parked { env, .. } => (env, NONE),
            _ => (NONE, NONE),
        };
        [record.env, one, other]
    }
}

/// The frames that a record names.
fn frames(content: Content) -> [Option<Pfn>; 2] {
    match content {
        Content::Inserted(it) | Content::Removed(it) | Content::TableMade(it) => {
            [Some(it.entry.frame()), Some(it.pgdir)]
        }
        Content::Freed { frame: pgdir }
        | Content::Switched { pgdir }
        | Content::Born { pgdir, .. }
        | Content::Died { pgdir, .. } => [Some(pgdir), None],
        _ => [None, None],
    }
}

/// Whether a record is about the page that `va` is in.
fn is_at(content: Content, va: u32) -> bool {
    let page = |at: u32| at / PGSIZE == va / PGSIZE;
    match content {
        Content::Inserted(Mapping { va: at, .. })
        | Content::Removed(Mapping { va: at, .. })
        | Content::Sends { va: at, .. }
        | Content::Receives { va: at } => page(at),
        Content::TableMade(Mapping { va: at, .. }) => at / PTSIZE == va / PTSIZE,
        // A page fault's address; a page call's is its second argument.
        Content::Entered { eip, arguments } => page(eip) || arguments.into_iter().any(page),
        Content::Parked { eip, .. } => page(eip),
        _ => false,
    }
}

/// The CPUs that a record is about, as bits.
fn cpus(record: &Record) -> u32 {
    let bit = |cpu: kcore::CpuId| 1_u32.checked_shl(cpu.0.into()).unwrap_or(0);
    let named = match record.content {
        Content::Flushes { cpu } | Content::Stops { cpu } | Content::Parked { cpu, .. } => bit(cpu),
        Content::Wakes { cpus } => cpus.0,
        _ => 0,
    };
    bit(record.cpu) | named
}
