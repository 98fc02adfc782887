//! A checkpoint: the state and the pages of a stopped environment, kept in memory, and as
//! bytes that can be kept elsewhere.
//!
//! ```text
//! magic    "jostleCP"
//! version  u32           1
//! pages    u32           how many follow the state
//! sum      u32           of all that follows; FNV-1a
//! state    640 bytes     abi::EnvState
//! page     u32 u32 4096  address, permissions, content; ascending by address
//! ```
//!
//! Numbers are little-endian. The hard thing is bytes that are not what was written: a disk
//! was cut off, or is another one. They are an error and never a panic, and no count in them
//! is believed before there are as many bytes.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use abi::layout::{PGSIZE, UTOP};
use abi::{EnvState, Perm};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// How checkpoints begin.
pub const MAGIC: [u8; 8] = *b"jostleCP";
/// The version of the format.
pub const VERSION: u32 = 1;
/// Bytes before the pages.
pub const HEAD: usize = 20 + EnvState::SIZE as usize;
/// Bytes of a page with its address and permissions.
const PAGE: usize = 8 + PGSIZE as usize;

/// What is in a page.
pub type Content = [u8; PGSIZE as usize];

/// A page of the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    va: u32,
    perm: Perm,
    /// As long as a page.
    content: Box<[u8]>,
}

impl Page {
    /// A page with a copy of this content.
    pub fn new(va: u32, perm: Perm, content: &Content) -> Page {
        // Not by way of the stack: that of a program has one page itself.
        Page {
            va,
            perm,
            content: content.to_vec().into_boxed_slice(),
        }
    }
}

/// An environment at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// All but its memory.
    pub state: Box<EnvState>,
    pages: Vec<Page>,
}

/// Why bytes are no checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damaged {
    /// They do not begin like one.
    Magic,
    /// Their format is a later one, or none.
    Version,
    /// There are too few.
    Short,
    /// They are not the ones that were written.
    Sum,
    /// A page's address or permissions are impossible, or pages are not in order.
    Page,
}

impl Damaged {
    /// What is wrong, in a few words.
    pub const fn message(self) -> &'static str {
        match self {
            Damaged::Magic => "not a checkpoint",
            Damaged::Version => "a checkpoint of another version",
            Damaged::Short => "a checkpoint that is cut off",
            Damaged::Sum => "a damaged checkpoint",
            Damaged::Page => "a checkpoint with impossible pages",
        }
    }
}

impl Checkpoint {
    /// One of an environment with these pages, in any order.
    pub fn new(state: Box<EnvState>, mut pages: Vec<Page>) -> Checkpoint {
        pages.sort_by_key(|page| page.va);
        Checkpoint { state, pages }
    }

    /// Its pages, by address.
    pub fn pages(&self) -> impl Iterator<Item = (u32, Perm, &Content)> {
        self.pages.iter().filter_map(|page| {
            let content = page.content.first_chunk()?;
            Some((page.va, page.perm, content))
        })
    }

    /// The checkpoint as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD + self.pages.len() * PAGE);
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend((self.pages.len() as u32).to_le_bytes());
        let sum_at = bytes.len();
        bytes.extend([0; 4]);
        bytes.extend(self.state.words().map(u32::to_le_bytes).as_flattened());
        for page in &self.pages {
            bytes.extend(page.va.to_le_bytes());
            bytes.extend(page.perm.bits().to_le_bytes());
            bytes.extend(&*page.content);
        }
        let (before, after) = bytes.split_at_mut(sum_at + 4);
        if let Some(place) = before.last_chunk_mut() {
            *place = sum(after).to_le_bytes();
        }
        bytes
    }

    /// How many bytes a checkpoint has that begins with these, at least 20.
    ///
    /// # Errors
    /// [`Damaged::Magic`], [`Damaged::Version`], [`Damaged::Short`].
    pub fn size(head: &[u8]) -> Result<usize, Damaged> {
        let mut reader = Reader(head);
        if reader.take()? != MAGIC {
            return Err(Damaged::Magic);
        }
        if reader.word()? != VERSION {
            return Err(Damaged::Version);
        }
        let pages = reader.word()? as usize;
        if pages > (UTOP / PGSIZE) as usize {
            return Err(Damaged::Page);
        }
        let pages = pages.checked_mul(PAGE).ok_or(Damaged::Page)?;
        pages.checked_add(HEAD).ok_or(Damaged::Page)
    }

    /// The checkpoint that these bytes are. More bytes may follow it.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn from_bytes(bytes: &[u8]) -> Result<Checkpoint, Damaged> {
        let size = Checkpoint::size(bytes)?;
        let bytes = bytes.get(..size).ok_or(Damaged::Short)?;
        let mut reader = Reader(bytes.get(16..).ok_or(Damaged::Short)?);
        if reader.word()? != sum(reader.0) {
            return Err(Damaged::Sum);
        }
        let mut words = [0; EnvState::WORDS];
        for word in &mut words {
            *word = reader.word()?;
        }
        let mut pages: Vec<Page> = Vec::with_capacity((size - HEAD) / PAGE);
        while !reader.0.is_empty() {
            let (va, bits) = (reader.word()?, reader.word()?);
            let perm = Perm::from_argument(bits).ok_or(Damaged::Page)?;
            let follows = pages.last().is_none_or(|last| last.va < va);
            if !follows || va >= UTOP || !va.is_multiple_of(PGSIZE) {
                return Err(Damaged::Page);
            }
            let (content, rest) = reader
                .0
                .split_first_chunk::<{ PGSIZE as usize }>()
                .ok_or(Damaged::Short)?;
            reader = Reader(rest);
            pages.push(Page::new(va, perm, content));
        }
        Ok(Checkpoint {
            state: Box::new(EnvState::from_words(&words)),
            pages,
        })
    }
}

/// Bytes that are still to be read.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Damaged> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Damaged::Short)?;
        let taken = *taken;
        self.0 = rest;
        Ok(taken)
    }

    fn word(&mut self) -> Result<u32, Damaged> {
        self.take().map(u32::from_le_bytes)
    }
}

/// FNV-1a of 32 bits: it finds accidents, and no forger.
fn sum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |sum, &byte| {
        (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}
