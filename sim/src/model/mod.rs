//! What the system calls mean, said as simply as possible.
//!
//! An independent model of the interface: maps instead of page tables, lists
//! instead of queues, and every number counted from scratch each time. It knows
//! nothing of CPUs, of TLBs, of how memory is given back. The hard thing is to
//! write it from the interface's description and not from the kernel, so that a
//! mistake goes unnoticed only if it is made twice.
//!
//! | module | what |
//! |---|---|
//! | [`pages`] | what is mapped, and the calls that change it |
//! | [`ranges`] | many pages in one call |
//! | [`heap`] | the heap, and how far a call has moved its end |
//! | [`lives`] | which environments live, and the calls that change it |
//! | [`jobs`] | environments that are ended together |
//! | [`messages`] | sending and receiving |
//! | [`calls`] | requests and replies in registers |
//! | [`scheduling`] | priorities and shares: who may give how much |
//! | [`states`] | what a stopped child is, but for its memory |
//! | [`time`] | sleeping, and waits that end when a time has come |
//! | [`words`] | waiting for words of memory |
//! | [`memory`] | addresses that programs use themselves: faults, bad pointers |

pub mod calls;
pub mod heap;
pub mod jobs;
pub mod lives;
pub mod memory;
pub mod messages;
pub mod pages;
pub mod ranges;
pub mod scheduling;
pub mod states;
pub mod time;
pub mod words;

use abi::layout::{PGSIZE, USTACKTOP};
use abi::{Call, EnvState, EnvStatus, Error, Personality, TrapFrame};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub use memory::Fault;

/// Whether an environment may run, and if not, what it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// Made, and never started.
    Unborn,
    /// Runs, or waits for a CPU.
    Runs,
    /// Was stopped.
    Stopped,
    /// Waits for a message, and wants a page at this address.
    Receives(u32),
    /// Waits until this environment receives.
    Sends(u32),
    /// Waits for a message in registers, and wants a page at this address.
    Requests(u32),
    /// Waits for this environment's reply.
    Awaits(u32),
    /// Waits for a message of this environment, and wants a page at this address.
    Expects(u32, u32),
    /// Waits for a byte from the console.
    Reads,
    /// Waits until this time, in microseconds.
    Sleeps(u64),
    /// Waits for a word of memory.
    Watches(Word),
}

/// A word of memory that an environment waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// Where the environment has it.
    pub va: u32,
    /// The page that it was in when the wait began.
    pub content: u64,
    /// With the death of this environment the wait ends; 0 for nobody.
    pub owner: u32,
}

/// What a sender sends: the word, the address of its page, its permissions.
pub type Letter = (u32, u32, u32);

/// A page as one environment has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Identifies the page in all environments that map it.
    pub content: u64,
    /// The low twelve bits of its page-table entry.
    pub perm: u32,
}

/// A job, as each of its members knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    /// The id of its first member.
    pub id: u32,
    /// Its creator's [`Env::number`].
    pub owner: u64,
    /// Whether its end has begun.
    pub ending: bool,
}

/// One environment.
#[derive(Clone, Debug)]
pub struct Env {
    /// Its creator's id, which another environment may have by now.
    pub parent: u32,
    /// Counts all environments ever made; never used twice.
    pub number: u64,
    /// Its creator's number; 0 for none.
    pub parent_number: u64,
    /// When it was made; only the order of these numbers matters.
    pub born: u64,
    /// Whether it may run, and what it waits for.
    pub life: Life,
    /// The edition whose numbers and errors it uses.
    pub personality: Personality,
    /// The pages that it has mapped, by address.
    pub pages: BTreeMap<u32, Page>,
    /// Spans of 4 MiB in which it has ever mapped a page: each has a page table.
    pub spans: BTreeSet<u32>,
    /// The last message: value, sender, permissions.
    pub message: (u32, u32, u32),
    /// The number in its x87 and SSE registers; 0 is what a reset leaves.
    pub fpu: u32,
    /// What it sends, while it waits for the receiver.
    pub letter: Letter,
    /// With its letter: a second word, and whether it then waits for a reply.
    pub second: u32,
    /// See [`Env::second`].
    pub wants_reply: bool,
    /// Where it wants the page of a reply.
    pub window: u32,
    /// When it began to wait for the receiver or the word; only the order matters.
    waits_since: u64,
    /// Where its heap begins.
    pub heap_start: u32,
    /// Where its heap ends.
    pub heap_end: u32,
    /// A `sbrk` that has not come to its end yet: where the heap ended before, and
    /// where it will.
    pub heap_move: Option<(u32, u32)>,
    /// From this time on, in microseconds, it waits for nobody; 0 for none.
    pub deadline: u64,
    /// The job that it is a member of.
    pub job: Option<Job>,
    /// Its priority and its shares.
    pub scheduling: (u32, u32),
    /// Whether it has been on a CPU; brought up to date before each call.
    pub ran: bool,
    /// Its page-fault handler, 0 if a fault ends it.
    pub upcall: u32,
    /// Its handler of other exceptions, and the vectors that it handles, as bits.
    pub exceptions: (u32, u32),
    /// Its registers, including the result of its last call once that is known.
    pub frame: TrapFrame,
}

/// How a call must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// It returns this.
    Value(u32),
    /// It fails with this.
    Fails(Error),
    /// It returns 0, at once or later.
    Yields,
    /// It returns this, at once or when the heap's end is where it should be.
    Moves(u32),
    /// The caller does not go on: it waits, was stopped or is dead.
    Leaves,
}

/// Everything that programs can tell.
#[derive(Clone, Debug)]
pub struct Model {
    /// The living environments, by id.
    pub envs: BTreeMap<u32, Env>,
    /// How many frames there are for address spaces and pages.
    pub frames: usize,
    /// How many frames the public table of frames occupies.
    page_info_frames: u32,
    /// The last id of each slot.
    ids: Vec<u32>,
    /// Slots to use next, last first.
    free: Vec<usize>,
    /// Bytes typed and not yet read.
    input: VecDeque<u8>,
    /// Environments that wait for a byte, the one that came first first.
    readers: VecDeque<u32>,
    /// Nanoseconds since the machine was started.
    pub now: u64,
    /// The number of the policy that decides who runs.
    pub policy: u32,
    /// Environments whose registers are on a CPU while a call is made.
    pub on_cpus: Vec<u32>,
    /// The line printed for the last environment that a bad address ended.
    pub obituary: Option<String>,
    /// What has ended for those who waited to send or for a word, and how. The results are
    /// in their registers.
    pub served: Vec<(&'static str, u32)>,
    /// What the last `page_ranges` wrote to each entry: pages done, and a result.
    pub progress: Vec<[u32; 2]>,
    contents: u64,
    events: u64,
    /// How many environments were ever made.
    made: u64,
}

/// What a program has in memory for a call to read: registers, a state, or the first
/// entries of a list.
pub type Given = [u32; EnvState::WORDS];

/// Slots in the table.
const SLOTS: usize = 1024;

type Outcome = Result<Expected, Error>;

impl Model {
    /// A machine with `frames` frames, and a public table of frames that occupies
    /// `page_info_frames`.
    pub fn new(frames: usize, page_info_frames: u32) -> Model {
        Model {
            envs: BTreeMap::new(),
            frames,
            page_info_frames,
            ids: vec![0; SLOTS],
            free: (0..SLOTS).rev().collect(),
            input: VecDeque::new(),
            readers: VecDeque::new(),
            now: 0,
            policy: 0,
            on_cpus: Vec::new(),
            obituary: None,
            served: Vec::new(),
            progress: Vec::new(),
            contents: 0,
            events: 0,
            made: 0,
        }
    }

    /// Makes an environment at boot. It starts at `entry`, has a stack page, and
    /// may run.
    pub fn boot(&mut self, entry: u32, personality: Personality) -> u32 {
        let id = self.new_env(0, personality).expect("a slot is free");
        self.map_new(id, USTACKTOP - PGSIZE, 7);
        let env = self.env(id);
        env.life = Life::Runs;
        env.frame.eip = entry;
        env.frame.esp = USTACKTOP;
        sanitise(&mut env.frame);
        id
    }

    /// The registers with which an environment enters the kernel.
    pub fn enter(&mut self, id: u32, frame: &TrapFrame) {
        self.env(id).frame = *frame;
    }

    /// The public status of a living environment that is on no CPU.
    pub fn status(&self, id: u32) -> EnvStatus {
        match self.envs[&id].life {
            Life::Runs => EnvStatus::Runnable,
            Life::Unborn | Life::Stopped => EnvStatus::NotRunnable,
            _ => EnvStatus::NotRunnable,
        }
    }

    fn env(&mut self, id: u32) -> &mut Env {
        self.envs.get_mut(&id).expect("a living environment")
    }

    /// A byte is typed. The environment that has waited longest gets it. If nobody
    /// waits it is kept, or lost if there are 512 already.
    pub fn type_in(&mut self, byte: u8) {
        if let Some(id) = self.readers.pop_front() {
            let env = self.env(id);
            env.life = Life::Runs;
            env.frame.regs.eax = byte.into();
        } else if self.input.len() < 512 {
            self.input.push_back(byte);
        }
    }

    /// The running environment `caller` makes a call with the registers that it
    /// entered with. For a call that takes the address of registers or of a list,
    /// `words` are what is there.
    pub fn call(&mut self, caller: u32, call: Call, arguments: [u32; 5], words: Given) -> Expected {
        self.obituary = None;
        let outcome = match call {
            Call::Cputs => Ok(self.cputs(caller, arguments)),
            Call::Cgetc => Ok(Expected::Value(self.input.pop_front().map_or(0, u32::from))),
            Call::GetEnvId => Ok(Expected::Value(caller)),
            Call::EnvDestroy => self.env_destroy(caller, arguments),
            Call::PageAlloc => self.page_alloc(caller, arguments),
            Call::PageMap => self.page_map(caller, arguments),
            Call::PageUnmap => self.page_unmap(caller, arguments),
            Call::Exofork => self.exofork(caller),
            Call::EnvSetStatus => self.env_set_status(caller, arguments),
            Call::EnvSetTrapframe => self.env_set_trapframe(caller, arguments, words),
            Call::EnvSetPgfaultUpcall => self.env_set_pgfault_upcall(caller, arguments),
            Call::EnvSetExceptionUpcall => self.env_set_exception_upcall(caller, arguments),
            Call::Yield => Ok(Expected::Yields),
            Call::IpcTrySend => self.ipc_try_send(caller, arguments),
            Call::IpcSend => self.ipc_send(caller, arguments),
            Call::IpcRecv => self.ipc_recv(caller, arguments),
            Call::IpcRecvFrom => self.ipc_recv_from(caller, arguments),
            Call::Features => Ok(Expected::Value(16383)),
            Call::TimeMsec => Ok(Expected::Value(
                (self.now / 10_000_000 * 10) as u32 & 0x7fff_ffff,
            )),
            Call::Sbrk => self.sbrk(caller, arguments),
            Call::EnvSetPersonality => self.env_set_personality(caller, arguments),
            Call::JobCreate => self.job_create(caller, arguments),
            Call::JobDestroy => self.job_destroy(caller, arguments),
            Call::JobSize => Ok(Expected::Value(
                self.members(caller, arguments[0]).len() as u32
            )),
            Call::Getc => self.getc(caller),
            Call::TimeUsec => Ok(self.time_usec(caller)),
            Call::EnvSetDeadline => Ok(self.env_set_deadline(caller, arguments)),
            Call::SleepUntil => Ok(self.sleep_until(caller, arguments)),
            Call::FutexWait => self.futex_wait(caller, arguments, words),
            Call::FutexWake => self.futex_wake(caller, arguments),
            Call::EnvSetScheduling => self.env_set_scheduling(caller, arguments),
            Call::IpcCall => self.ipc_call(caller, arguments),
            Call::IpcReply => self.ipc_reply(caller, arguments),
            Call::PageCopy => self.page_copy(caller, arguments),
            Call::PageRanges => self.page_ranges(caller, arguments, words),
            Call::EnvGetState => self.env_get_state(caller, arguments),
            Call::EnvSetState => self.env_set_state(caller, arguments, words),
        };
        if let Some(env) = self.envs.get_mut(&caller) {
            env.frame.regs.eax = match outcome {
                Ok(Expected::Value(value)) => value,
                // Overwritten when the result is known.
                Ok(_) => 0,
                Err(error) => env.result_of(Err(error)),
            };
        }
        outcome.unwrap_or_else(Expected::Fails)
    }

    fn getc(&mut self, caller: u32) -> Outcome {
        if let Some(byte) = self.input.pop_front() {
            return Ok(Expected::Value(byte.into()));
        }
        self.begin_wait(caller)?;
        self.readers.push_back(caller);
        self.env(caller).life = Life::Reads;
        Ok(Expected::Leaves)
    }

    /// Like [`Model::call`], while no frame is available.
    pub fn call_without_memory(
        &mut self,
        caller: u32,
        call: Call,
        arguments: [u32; 5],
        words: Given,
    ) -> Expected {
        let frames = std::mem::take(&mut self.frames);
        let expected = self.call(caller, call, arguments, words);
        self.frames = frames;
        expected
    }

    fn any(&self, caller: u32, id: u32) -> Result<u32, Error> {
        match id {
            0 => Ok(caller),
            _ if self.envs.contains_key(&id) => Ok(id),
            _ => Err(Error::BadEnv),
        }
    }

    fn own(&self, caller: u32, id: u32) -> Result<u32, Error> {
        let id = self.any(caller, id)?;
        if id == caller || self.envs[&id].parent_number == self.envs[&caller].number {
            Ok(id)
        } else {
            Err(Error::BadEnv)
        }
    }
}

impl Env {
    /// A result as a program of this personality finds it in its register.
    fn result_of(&self, result: Result<(), Error>) -> u32 {
        match result {
            Ok(()) => 0,
            Err(error) => self.personality.error_value(error).wrapping_neg(),
        }
    }
}

/// Forces the values that a program may not choose: selectors, and flags that are
/// not its own.
fn sanitise(frame: &mut TrapFrame) {
    frame.cs = 0x1b;
    (frame.ds, frame.es, frame.ss) = (0x23, 0x23, 0x23);
    // CF PF AF ZF SF TF DF OF AC ID; and interrupts are on.
    let own = [0, 2, 4, 6, 7, 8, 10, 11, 18, 21];
    let mask: u32 = own.iter().map(|bit| 1 << bit).sum();
    frame.eflags = frame.eflags & mask | 0x200;
    frame.trapno = 0;
}
