//! What random words mean: which call, with which arguments.
//!
//! The hard thing is the mix. Most arguments must be sensible, so that something
//! happens; but each must be wrong often enough, in every way.

use super::ENTRY;
use super::{Driver, Words, sensible_page};
use crate::model::{Job, Life};
use abi::call::WANTS_PAGE;
use abi::exception::DELIVERABLE;
use abi::layout::{PGSIZE, PTSIZE, ULIM, UPAGES, USTACKTOP, UTOP, UVPT, UXSTACKTOP};
use abi::{Call, EnvStatus};
use kcore::frames::PART;

/// The most environments that are made.
const CROWD: usize = 9;

impl Driver<'_> {
    // --- Choosing.

    pub(super) fn choose(&mut self, caller: u32, words: Words) -> (Call, [u32; 5]) {
        let call = self.choose_call(caller, words[1]);
        let [.., w5, w6, w7] = words;
        if matches!(call, Call::EnvGetState | Call::EnvSetState) {
            let arguments = self.choose_state_place(caller, words);
            return match self.rewinds(call, caller, arguments[0]) {
                true => (Call::GetEnvId, arguments),
                false => (call, arguments),
            };
        }
        let offered = self.offered_by_child(caller);
        let arguments = match (call, offered) {
            (Call::PageAlloc | Call::PageUnmap, Some((child, va))) if w7.is_multiple_of(3) => {
                [child, va, 5, w5, w6]
            }
            (Call::FutexWait | Call::FutexWake, _) => self.choose_word(caller, call, words),
            _ => self.choose_arguments(caller, call, words),
        };
        self.dead.retain(|&id| !self.model.envs.contains_key(&id));
        self.dead.truncate(8);
        (call, arguments)
    }

    /// A child of `caller` that waits to send a page, and the page's address in it.
    fn offered_by_child(&self, caller: u32) -> Option<(u32, u32)> {
        let mut children = self.model.envs.iter();
        children.find_map(|(&id, env)| {
            let waits = env.parent == caller && matches!(env.life, Life::Sends(_));
            let (_, va, _) = env.letter;
            (waits && va < UTOP).then_some((id, va))
        })
    }

    fn choose_arguments(&self, caller: u32, call: Call, words: Words) -> [u32; 5] {
        let [_, _, w2, w3, w4, w5, w6, w7] = words;
        match call {
            Call::PageRanges => self.choose_list(caller, words),
            Call::SleepUntil | Call::EnvSetDeadline => self.choose_time(words),
            Call::PageMap | Call::PageCopy => self.choose_page_and_receiver(caller, call, words),
            Call::IpcTrySend | Call::IpcSend | Call::IpcRecv | Call::IpcCall | Call::IpcReply => {
                self.choose_page_and_receiver(caller, call, words)
            }
            Call::IpcRecvFrom => {
                let va = send_or_page(w3) | u32::from(w7.is_multiple_of(8));
                [self.choose_sender(caller, w2), va, w4, w5, w6]
            }
            Call::EnvDestroy if w7.is_multiple_of(32) => [0, w3, w4, w5, w6],
            Call::EnvDestroy => [self.choose_env(caller, w2 | 8), w3, w4, w5, w6],
            Call::PageAlloc => [self.choose_env(caller, w2), page(w3), perm(w4), w5, w6],
            Call::PageUnmap => [self.choose_env(caller, w2), page(w3), w4, w5, w6],
            Call::EnvSetStatus if self.is_alone() => {
                let child = self.choose_env(caller, w2 << 4 | 6);
                [child, EnvStatus::Runnable as u32, w4, w5, w6]
            }
            Call::EnvSetStatus => [self.choose_env(caller, w2), status(w3), w4, w5, w6],
            Call::EnvSetPgfaultUpcall => {
                let entry = match w3 % 8 {
                    0 => 0,
                    1 => w3,
                    _ => ENTRY + w3 % PGSIZE,
                };
                [self.choose_env(caller, w2), entry, w4, w5, w6]
            }
            Call::EnvSetExceptionUpcall => {
                let entry = ENTRY + w3 % PGSIZE;
                let mask = exceptions(w4);
                [self.choose_env(caller, w2), entry, mask, w5, w6]
            }
            Call::EnvSetTrapframe => {
                let offset = [0, 4, 1, PGSIZE - 68, PGSIZE - 67, PGSIZE - 40][w4 as usize % 6];
                let va = match w7 / 64 % 16 {
                    0 => page(w3),
                    1..=4 => self.mapped_page(caller, caller, w3) + offset,
                    _ => self.mapped_page(caller, caller, w3) + offset % (PGSIZE - 67),
                };
                [self.choose_env(caller, w2), readable_window(va), w4, w5, w6]
            }
            Call::EnvSetScheduling => self.choose_numbers(caller, words),
            Call::Sbrk => [increment(w2), w3, w4, w5, w6],
            Call::EnvSetPersonality => [self.choose_env(caller, w2 << 4 | 6), w3 % 5, w4, w5, w6],
            Call::JobCreate => {
                let child = match w2 % 4 {
                    0 => self.choose_env(caller, w2 / 4),
                    _ => self.choose_env(caller, (w2 / 4) << 4 | 6),
                };
                [child, w3, w4, w5, w6]
            }
            Call::JobSize | Call::JobDestroy => [self.choose_job(caller, w2), w3, w4, w5, w6],
            Call::Cputs => {
                let ptr = match w7 / 64 % 8 {
                    0 => page(w2),
                    _ => self.mapped_page(caller, caller, w2) + w3 % 3,
                };
                let len = match w7 / 512 % 8 {
                    0 => w4 % 9000,
                    _ => w4 % 200,
                };
                [readable_window(ptr), len, w5, w6, w7]
            }
            // The first argument of most calls names an environment.
            _ => [self.choose_env(caller, w2), w3, w4, w5, w6],
        }
    }

    /// Mostly a priority and shares that the caller may give.
    fn choose_numbers(&self, caller: u32, words: Words) -> [u32; 5] {
        let [_, _, w2, w3, w4, w5, w6, _] = words;
        let (most_urgent, most) = self.model.envs[&caller].scheduling;
        let priority = match w3 % 8 {
            0 => w3,
            1 => most_urgent + w3 / 8 % 2,
            _ => most_urgent.saturating_sub(w3 / 8 % 3),
        };
        let shares = match w4 % 8 {
            0 => w4 / 8 % 2,
            1 => most + w4 / 8 % 2,
            2 => w4,
            _ => w4 / 8 % most + 1,
        };
        [self.choose_env(caller, w2), priority, shares, w5, w6]
    }

    /// Mostly a time to come soon; often one that is past.
    fn choose_time(&self, words: Words) -> [u32; 5] {
        let [_, _, w2, w3, w4, w5, w6, _] = words;
        let now = self.machine.now / 1000;
        let time = match w2 % 8 {
            0 => 0,
            1 => u64::from(w3) << 32 | u64::from(w4),
            2 => now.saturating_sub(u64::from(w3 % 20_000)),
            _ => now + u64::from(w3 % 50_000),
        };
        [time as u32, (time >> 32) as u32, w4, w5, w6]
    }

    /// The same for calls that pass a page from one environment to another.
    fn choose_page_and_receiver(&self, caller: u32, call: Call, words: Words) -> [u32; 5] {
        let [_, _, w2, w3, w4, w5, w6, w7] = words;
        match call {
            Call::PageMap | Call::PageCopy => {
                let from = self.choose_env(caller, w2);
                let from_va = match w7 % 4 {
                    0 => page(w3),
                    _ => self.mapped_page(from, caller, w3),
                };
                let to = self.choose_env(caller, w4);
                let place = page(w5);
                match call {
                    Call::PageMap => [from, from_va, to, place, perm(w6)],
                    _ => [from, from_va, to, place | perm(w6), w5],
                }
            }
            Call::IpcTrySend => {
                let to = self.choose_receiver(caller, w2);
                [to, w3, self.send_page(caller, w4), perm(w5), w6]
            }
            Call::IpcSend => {
                let to = match w2 % 2 {
                    0 => self.choose_receiver(caller, w2 / 2),
                    _ => self.choose_env(caller, (w2 / 2) << 4 | 13),
                };
                [to, w3, self.send_page(caller, w4), perm(w5), w6]
            }
            Call::IpcCall | Call::IpcReply => {
                let to = match (call, w2 % 4) {
                    (Call::IpcReply, 0) => 0,
                    (Call::IpcReply, 1 | 2) => self.client_of(caller).unwrap_or(w3 % 2),
                    _ => self.choose_receiver(caller, w2 / 4),
                };
                let page = match w4 % 4 {
                    0 => self.send_page(caller, w4 / 4) | perm(w5),
                    1 => w4,
                    _ => 0,
                };
                let wants = match w5 / 16 % 2 {
                    0 => 0,
                    _ => WANTS_PAGE,
                };
                let unaligned = u32::from(w7.is_multiple_of(8));
                [
                    to,
                    page & !WANTS_PAGE | wants,
                    w3,
                    w6,
                    send_or_page(w7 / 8) | unaligned,
                ]
            }
            Call::IpcRecv => {
                let unaligned = u32::from(w7.is_multiple_of(8));
                [send_or_page(w2) | unaligned, w3, w4, w5, w6]
            }
            _ => [w2, w3, w4, w5, w6],
        }
    }

    fn choose_call(&mut self, caller: u32, word: u32) -> Call {
        let alone = self.is_alone();
        let drawn = self.mix.get(word as usize % self.mix.len().max(1)).copied();
        let usual = match word % 87 {
            0..=5 => Call::PageAlloc,
            6..=12 => Call::PageMap,
            13..=16 => Call::PageUnmap,
            17..=19 => Call::Exofork,
            20..=24 => Call::EnvSetStatus,
            25 | 26 => Call::EnvDestroy,
            27 | 28 => Call::Yield,
            29..=31 => Call::IpcTrySend,
            32..=34 => Call::IpcSend,
            35..=38 => Call::IpcRecv,
            39 | 40 => Call::Cputs,
            41 | 42 => Call::EnvSetPgfaultUpcall,
            43..=45 => Call::EnvSetTrapframe,
            46 => Call::GetEnvId,
            47 | 48 => Call::Sbrk,
            49 => Call::EnvSetPersonality,
            50 | 51 => Call::JobCreate,
            52 => Call::JobSize,
            53 => Call::JobDestroy,
            54 => Call::Getc,
            55 | 56 => Call::PageCopy,
            57 | 58 => Call::PageRanges,
            59..=61 => Call::IpcCall,
            62..=64 => Call::IpcReply,
            65 | 66 => Call::EnvSetExceptionUpcall,
            67 => Call::SleepUntil,
            68..=70 => Call::EnvSetDeadline,
            71 | 72 => Call::FutexWait,
            73 | 74 => Call::FutexWake,
            75 | 76 => Call::EnvSetScheduling,
            77..=79 => Call::EnvGetState,
            80..=82 => Call::EnvSetState,
            83..=85 => Call::IpcRecvFrom,
            _ => match word / 87 % 7 {
                0 | 1 => Call::Cgetc,
                2 => Call::Features,
                3 | 4 => Call::TimeMsec,
                5 => Call::TimeUsec,
                // Any call, so that none is left out.
                _ => Call::ALL[word as usize / 609 % Call::ALL.len()],
            },
        };
        let call = drawn.unwrap_or(usual);
        self.dead.push(caller);
        let seldom = !(word / 87).is_multiple_of(16);
        match call {
            Call::Exofork if self.model.envs.len() >= CROWD => Call::EnvDestroy,
            Call::IpcRecv | Call::IpcSend | Call::IpcCall | Call::Getc if alone && seldom => {
                Call::PageMap
            }
            Call::IpcRecvFrom if alone && seldom => Call::PageMap,
            Call::FutexWait if alone && !(word / 87).is_multiple_of(3) => Call::PageMap,
            Call::IpcReply if alone && seldom && !self.has_client(caller) => Call::PageMap,
            _ if self.is_awaited(caller) && (word / 87).is_multiple_of(4) => {
                [Call::IpcRecv, Call::IpcReply, Call::IpcRecvFrom][word as usize / 348 % 3]
            }
            _ if (word / 87) % 4 == 1 && self.watched_word(caller).is_some() => Call::FutexWake,
            Call::EnvDestroy if alone && !(word / 87).is_multiple_of(64) => Call::PageAlloc,
            Call::JobDestroy if alone && seldom => Call::JobSize,
            _ => call,
        }
    }

    /// An environment that waits for the reply of `id`.
    fn client_of(&self, id: u32) -> Option<u32> {
        let mut envs = self.model.envs.iter();
        envs.find(|(_, env)| env.life == Life::Awaits(id))
            .map(|(&id, _)| id)
    }

    fn has_client(&self, id: u32) -> bool {
        self.client_of(id).is_some()
    }

    /// Whether an environment waits to send to `id`.
    fn is_awaited(&self, id: u32) -> bool {
        let mut envs = self.model.envs.values();
        envs.any(|env| env.life == Life::Sends(id))
    }

    /// Mostly an environment that the caller may touch.
    pub(super) fn choose_env(&self, caller: u32, word: u32) -> u32 {
        let pick = |ids: Vec<u32>| {
            let index = word as usize / 16 % ids.len().max(1);
            ids.get(index).copied().unwrap_or(caller ^ 0x1000)
        };
        let envs = &self.model.envs;
        match word % 16 {
            0..=4 => 0,
            5 => caller,
            6..=12 => {
                let own = envs.iter().filter(|(_, env)| env.parent == caller);
                pick(own.map(|(&id, _)| id).collect())
            }
            13 => pick(envs.keys().copied().collect()),
            14 => pick(self.dead.clone()) ^ 0x1000,
            _ => word,
        }
    }

    /// Mostly a job that exists.
    fn choose_job(&self, caller: u32, word: u32) -> u32 {
        let jobs = self.model.envs.values().filter_map(|env| env.job);
        let number = self.model.envs.get(&caller).map_or(0, |env| env.number);
        let own = |job: &Job| job.owner == number || word.is_multiple_of(8);
        let jobs: Vec<u32> = jobs.filter(own).map(|job| job.id).collect();
        let index = word as usize / 8 % jobs.len().max(1);
        jobs.get(index).copied().unwrap_or(word)
    }

    fn choose_receiver(&self, caller: u32, word: u32) -> u32 {
        let waiting = |life: Life| match life {
            Life::Receives(_) | Life::Requests(_) => true,
            Life::Expects(one, _) => one == caller || word.is_multiple_of(16),
            _ => false,
        };
        let envs = self.model.envs.iter();
        let ids: Vec<u32> = envs
            .filter(|(_, env)| waiting(env.life))
            .map(|(&id, _)| id)
            .collect();
        match ids.get(word as usize / 4 % ids.len().max(1)) {
            Some(&id) if !word.is_multiple_of(4) => id,
            _ => self.choose_env(caller, word / 4),
        }
    }

    /// Mostly one that waits to send to `caller`, or could.
    fn choose_sender(&self, caller: u32, word: u32) -> u32 {
        let mut envs = self.model.envs.iter();
        let waiting = envs.find(|(_, env)| env.life == Life::Sends(caller));
        match (waiting, word % 4) {
            (Some((&id, _)), 1..) => id,
            (None, 1..) => self.choose_env(caller, (word / 4) << 4 | 13),
            _ => self.choose_env(caller, word / 4),
        }
    }

    /// A page that `id` has mapped, if it has one.
    pub(super) fn mapped_page(&self, id: u32, caller: u32, word: u32) -> u32 {
        let id = if id == 0 { caller } else { id };
        let pages = self.model.envs.get(&id).map(|env| &env.pages);
        let index = word as usize % pages.map_or(1, |pages| pages.len().max(1));
        pages
            .and_then(|pages| pages.keys().nth(index))
            .copied()
            .unwrap_or(0)
    }

    fn send_page(&self, caller: u32, word: u32) -> u32 {
        match word % 4 {
            0 => send_or_page(word / 4),
            1 => UTOP,
            _ => self.mapped_page(caller, caller, word / 4),
        }
    }
}

/// An address to map a page at: mostly a valid one.
pub(super) fn page(word: u32) -> u32 {
    /// The exception stack, the pages below it, and the stack.
    const STACKS: [u32; 4] = [
        UXSTACKTOP - PGSIZE,
        UXSTACKTOP - PGSIZE,
        UXSTACKTOP - 2 * PGSIZE,
        USTACKTOP - PGSIZE,
    ];
    const HOSTILE: [u32; 16] = [
        0,
        1,
        PGSIZE - 1,
        UTOP - PGSIZE,
        UTOP - 1,
        UTOP,
        UTOP + 1,
        UPAGES,
        ULIM - PGSIZE,
        ULIM,
        0xf000_0000,
        0xffff_f000,
        0xffff_ffff,
        0x8000_0000,
        0x7fff_f000,
        USTACKTOP - PGSIZE,
    ];
    match word % 16 {
        0 => HOSTILE[word as usize / 16 % 16],
        1 | 2 => STACKS[word as usize / 16 % 4],
        3 => border_page(word / 16),
        _ => sensible_page(word / 16),
    }
}

/// A page on one side or the other of where something ends: a table, the entries of one that
/// have a mark together, the tables that have one together. Where a program's memory ends, the
/// last tables of its own share a mark with the kernel's.
pub(super) fn border_page(word: u32) -> u32 {
    const PAGES: u32 = PART * PGSIZE;
    const TABLES: u32 = PART * PTSIZE;
    const BORDERS: [u32; 8] = [
        UTOP - PTSIZE,
        UTOP - PTSIZE,
        UTOP - 2 * PTSIZE,
        UTOP - UTOP % TABLES,
        TABLES,
        0x8000_0000,
        0x40_0000 + PAGES,
        UTOP - PTSIZE - PAGES,
    ];
    BORDERS[word as usize / 2 % 8] - word % 2 * PGSIZE
}

/// By how much a heap should grow or shrink.
fn increment(word: u32) -> u32 {
    match word % 16 {
        0 => 0,
        1 => word,
        2 => 0x40_0000 + word / 16 % 3,
        3 => (0x40_0000 + word / 16 % 3).wrapping_neg(),
        // More than one step maps or unmaps.
        4 => 0x2_0000 + word / 16 % 0x4_0000,
        5 => (0x2_0000 + word / 16 % 0x4_0000).wrapping_neg(),
        6 | 7 => (word / 16 % 0x3000).wrapping_neg(),
        _ => word / 16 % 0x3000,
    }
}

fn send_or_page(word: u32) -> u32 {
    if word.is_multiple_of(2) {
        UTOP
    } else {
        page(word / 2)
    }
}

fn perm(word: u32) -> u32 {
    match word % 16 {
        0..=9 => 7,
        10..=12 => 5,
        13 => 5 | (word >> 4 & 0xe02),
        14 => word >> 4 & 0xfff,
        _ => word,
    }
}

/// The address itself, unless it is in the window of page tables, which the model
/// leaves out.
pub(super) fn readable_window(va: u32) -> u32 {
    if (UVPT - 0x1_0000..ULIM).contains(&va) {
        ULIM
    } else {
        va
    }
}

fn status(word: u32) -> u32 {
    match word % 16 {
        0..=8 => 2,
        9..=12 => 4,
        13 | 14 => word / 16 % 6,
        _ => word,
    }
}

/// Vectors, mostly such as a program may handle.
fn exceptions(word: u32) -> u32 {
    match word % 8 {
        0 => 0,
        1 => word,
        2..=4 => DELIVERABLE,
        _ => word & DELIVERABLE,
    }
}
