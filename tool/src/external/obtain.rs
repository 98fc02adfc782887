//! The ladder's lower rungs: install the distribution's package, else unpack it
//! into a folder of ours.
//!
//! The hard thing is what is old or missing on the way: lists that name files
//! the servers no longer have, no lists at all, no rights, no network. Every
//! rung is tried with what is there, then with lists read anew.

use std::path::Path;

use anyhow::bail;

use super::apt::{self, Commands, Lists, Plan, Rights};
use super::private_copy::PrivateCopy;
use super::program::External;
use crate::report::note;

/// Installs or unpacks what is needed. On failure nothing of the machine's has
/// changed, and the error says what stood in the way of the last rung.
pub fn obtain(
    needed: &External,
    apt: &mut impl Commands,
    rights: Rights,
    cache: &Path,
) -> anyhow::Result<()> {
    if rights == Rights::None {
        note("without root's rights nothing is installed; a private copy needs none");
    } else if install(needed, apt, rights) {
        return Ok(());
    }
    unpack(needed, apt, cache)
}

/// The distribution's package, if that only adds to what is there.
fn install(needed: &External, apt: &mut impl Commands, rights: Rights) -> bool {
    let lists = Lists::Machine;
    for attempt in 0..2 {
        if attempt > 0 {
            note("reading the lists of packages (apt-get update)");
            // One that cannot be read may not be the one that matters.
            lists.update(apt, rights);
        }
        let plan = match lists.plan(apt, needed.packages) {
            Ok(plan) => plan,
            Err(why) => {
                note(format_args!("apt cannot install {}: {why}", needed.name));
                continue;
            }
        };
        if plan.comes.is_empty() {
            note(format_args!(
                "apt takes {} for installed, but it does not start",
                needed.name
            ));
            return false;
        }
        if let Some(harm) = plan.harm() {
            note(format_args!(
                "to install {}, apt would {harm}; so it is not asked to",
                needed.name
            ));
            return false;
        }
        announce(apt, &lists, &plan, "installing with apt", needed.packages);
        if apt::install(apt, rights, needed.packages) {
            return true;
        }
        note("apt did not install it");
    }
    false
}

/// A private copy, with whatever lists it takes.
pub fn unpack(needed: &External, apt: &mut impl Commands, cache: &Path) -> anyhow::Result<()> {
    let own = cache.join("apt");
    let made = unpack_by(needed, apt, cache, &own);
    // Lists are large, and soon old. There are none if the machine's would do.
    let _ = std::fs::remove_dir_all(own);
    made
}

fn unpack_by(
    needed: &External,
    apt: &mut impl Commands,
    cache: &Path,
    own: &Path,
) -> anyhow::Result<()> {
    let mut why = match attempt(needed, apt, cache, &Lists::Machine) {
        Ok(()) => return Ok(()),
        Err(why) => why,
    };
    let lists = Lists::Own(own.into());
    note(format_args!(
        "reading the lists of packages into {}",
        own.display()
    ));
    let complete = lists.update(apt, Rights::None);
    for lists in [lists, Lists::OwnOnEmpty(own.into())] {
        match attempt(needed, apt, cache, &lists) {
            Ok(()) => return Ok(()),
            Err(reason) => why = reason,
        }
    }
    let network = if complete {
        ""
    } else {
        " (not all lists of packages could be read: is there a network?)"
    };
    bail!("no private copy could be made: {why:#}{network}")
}

/// A private copy by these lists.
fn attempt(
    needed: &External,
    apt: &mut impl Commands,
    cache: &Path,
    lists: &Lists,
) -> anyhow::Result<()> {
    let plan = lists
        .plan(apt, needed.unpacked)
        .map_err(anyhow::Error::msg)?;
    if plan.comes.is_empty() {
        bail!("apt takes it for installed");
    }
    let what = format!("unpacking into {}", cache.display());
    announce(apt, lists, &plan, &what, needed.unpacked);
    PrivateCopy::of(needed, cache).make(apt, lists, &plan)
}

/// Says what comes, and how big that is.
fn announce(apt: &mut impl Commands, lists: &Lists, plan: &Plan, what: &str, packages: &[&str]) {
    let (download, disk) = lists.sizes(apt, &plan.comes);
    note(format_args!(
        "{what}: {} (packages: {}; to download: {} MB; on disk: {} MB)",
        packages.join(" "),
        plan.comes.len(),
        megabytes(download),
        megabytes(disk),
    ));
}

fn megabytes(bytes: u64) -> u64 {
    bytes.div_ceil(1_000_000)
}

#[cfg(test)]
mod tests;
