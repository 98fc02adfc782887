//! What is on a disk: an image, and the sectors that were written since.
//!
//! The hard thing is that a machine is a value, and its disk with it: a clone must cost
//! little, whatever the size of the image.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Bytes in a sector.
pub const SECTOR: usize = 512;
/// A sector's bytes.
pub type Sector = [u8; SECTOR];

/// The sectors of a disk.
#[derive(Clone, Debug)]
pub struct Contents {
    image: Arc<[u8]>,
    changed: BTreeMap<u32, Arc<Sector>>,
    /// Those that were written since [`Contents::take_written`].
    written: BTreeSet<u32>,
}

impl Contents {
    pub(super) fn new(image: Arc<[u8]>) -> Contents {
        Contents {
            image,
            changed: BTreeMap::new(),
            written: BTreeSet::new(),
        }
    }

    /// How many sectors there are; an incomplete one at the end is none.
    pub fn sectors(&self) -> u32 {
        let sectors = self.image.len() / SECTOR;
        u32::try_from(sectors).unwrap_or(u32::MAX)
    }

    /// What is in a sector, if there is one of that number.
    pub fn read(&self, number: u32) -> Option<&Sector> {
        match self.changed.get(&number) {
            Some(sector) => Some(sector),
            None => self.image.as_chunks().0.get(number as usize),
        }
    }

    /// Hands out the sectors that were written since the last call, each once and in
    /// order, with what is in them now.
    pub fn take_written(&mut self, mut each: impl FnMut(u32, &Sector)) {
        for number in std::mem::take(&mut self.written) {
            if let Some(sector) = self.read(number) {
                each(number, sector);
            }
        }
    }

    pub(super) fn write(&mut self, number: u32, sector: Sector) {
        self.changed.insert(number, Arc::new(sector));
        self.written.insert(number);
    }
}

/// Only what was written: the image beneath stays the same for ever.
impl Hash for Contents {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.changed.hash(hasher);
    }
}
