//! One call, made on the machine and on the model.
//!
//! The hard thing is everything that must *not* have happened: a failed call
//! changed nothing, a printed text is exactly the caller's, a fresh page reveals
//! no old data. Now and then a call is made while no frame is available, or by
//! `sysenter`.

use super::comparison::slot_of;
use super::snapshot::Snapshot;
use super::{Driver, Mismatch, Words};
use crate::machine::call::{Answer, set_call};
use crate::model::{Expected, Given, Life};
use abi::layout::{PGSIZE, USTACKTOP};
use abi::scheduling::Policy;
use abi::trap::TRAP_FRAME_WORDS;
use abi::{Call, EnvState, Error, PageRange, Personality};
use kcore::{CpuId, Event, Pfn, PhysMem};

impl Driver<'_> {
    pub(super) fn make_call(&mut self, cpu: CpuId, words: Words) -> Result<(), Mismatch> {
        let id = self.env_on(cpu);
        let personality = self.model.envs[&id].personality;
        let Some((call, arguments, event)) = self.prepare(cpu, id, words) else {
            return Ok(());
        };
        let quiet = !self.machine.kernel.has_leftovers();
        // Else this step prints what earlier ones have left.
        let drained = self.machine.kernel.console().is_drained();
        let starved = quiet && self.may_starve(call, words[7]);
        if starved {
            self.machine.kernel.refuse_after(0);
        }
        self.tell_model(cpu, id);
        let given = self.given(id, call, arguments);
        let text = (call == Call::Cputs).then(|| self.text_at(id, arguments));
        let printed = self.machine.uart.output.len();
        let copied = self.page_at(id, arguments);
        let list = self.contents(id, arguments[0]);
        let before = Snapshot::take(&mut self.machine);
        let answer = self.machine.call_by(cpu, personality, event);
        let changed = before.has_changed(&mut self.machine);
        let expected = if starved {
            self.machine.kernel.refuse_none();
            self.model.call_without_memory(id, call, arguments, given)
        } else {
            self.model.call(id, call, arguments, given)
        };
        self.note(call, answer, changed, starved);

        let may_be_divided = matches!(call, Call::PageRanges | Call::EnvGetState) || !quiet;
        let finished = may_be_divided && self.finish(cpu, id);
        if !self.agree(expected, answer) && !finished {
            return Err(Mismatch::Answer {
                call,
                arguments,
                expected,
                answer,
            });
        }
        self.expect_obituary(printed);
        let output = &self.machine.uart.output[printed..];
        if matches!(answer, Answer::Value(_)) && text.is_some_and(|text| text != output) {
            return Err(Mismatch::State("something else was printed".into()));
        }
        // A deadline that has passed is none any more, and what was sent before is sent.
        let failed = matches!(answer, Answer::Failed(error) if error != Error::TimedOut);
        if quiet && drained && failed && changed {
            return Err(Mismatch::FailureChanged(call));
        }
        if call == Call::JobDestroy && matches!(expected, Expected::Value(1..)) {
            self.end_job(personality, id, arguments);
        }
        if call == Call::PageRanges {
            self.poison.forget();
        }
        match (call, answer) {
            (Call::PageAlloc, Answer::Value(0)) => self.check_fresh(id, arguments),
            (Call::PageCopy, Answer::Value(0)) => self.check_copied(id, arguments, &copied),
            (Call::EnvGetState, Answer::Value(0)) => self.check_state(id, arguments),
            (Call::PageRanges, Answer::Value(_)) if list == self.contents(id, arguments[0]) => {
                self.check_progress(id, arguments[0])
            }
            _ => Ok(()),
        }
    }

    /// Notes how a call ended, and the waits that ended with it.
    fn note(&mut self, call: Call, answer: Answer, changed: bool, starved: bool) {
        self.latest.is_answered(answer, starved);
        self.statistics.count(call, answer, changed, starved);
        self.statistics.alive += self.model.envs.len() as u64;
        for (wait, result) in std::mem::take(&mut self.model.served) {
            self.statistics.note(wait, result);
        }
    }

    /// Chooses a call that the personality of `id` has, and loads registers and memory
    /// for it.
    fn prepare(&mut self, cpu: CpuId, id: u32, words: Words) -> Option<(Call, [u32; 5], Event)> {
        let (call, arguments) = self.choose(id, words);
        let number = self.model.envs[&id].personality.number(call)?;
        if !self.mix.is_empty() && !self.mix.contains(&call) {
            return None;
        }
        if call == Call::EnvSetTrapframe {
            let register = |index: usize| words[index % words.len()].rotate_left(index as u32);
            let registers: [u32; TRAP_FRAME_WORDS] = std::array::from_fn(register);
            self.write_words(id, arguments[1], &registers);
        }
        if call == Call::EnvSetState {
            let state = self.choose_state(arguments[0], words);
            self.write_words(id, arguments[1], &state);
        }
        if call == Call::PageRanges {
            let entries = self.choose_ranges(id, words);
            self.write_words(id, arguments[0], entries.as_flattened());
        }
        self.work(cpu, words[5]);
        self.latest.calls(call, arguments);
        set_call(&mut self.machine.cpu_mut(cpu).frame, number, arguments);
        let event = self.way_in(cpu, id, arguments[4], words[7]);
        Some((call, arguments, event))
    }

    /// Whether a call is made while no frame is available. Not while a log is kept: it
    /// cannot say that the test withholds frames. Nor if the call may be divided, and go
    /// on when there are frames again.
    fn may_starve(&self, call: Call, word: u32) -> bool {
        let often = match call {
            Call::IpcTrySend | Call::IpcSend | Call::IpcRecv => 3,
            Call::IpcCall | Call::IpcReply => 3,
            _ => 8,
        };
        let divided = matches!(call, Call::PageRanges | Call::EnvGetState);
        word.is_multiple_of(often) && self.machine.log.is_none() && !divided
    }

    /// What is in memory for a call to read. That of a state is long, so it is looked at
    /// only where it matters.
    fn given(&self, id: u32, call: Call, arguments: [u32; 5]) -> Given {
        const FEW: usize = 4 * PageRange::WORDS;
        let few = match call {
            Call::EnvSetState => return self.words_at(id, arguments[1]),
            Call::PageRanges | Call::FutexWait => self.words_at::<FEW>(id, arguments[0]),
            _ => self.words_at::<FEW>(id, arguments[1]),
        };
        let mut given = [0; EnvState::WORDS];
        given[..FEW].copy_from_slice(&few);
        given
    }

    /// Chooses the instruction that makes the call. For `sysenter` the last
    /// argument is on the stack.
    fn way_in(&mut self, cpu: CpuId, id: u32, last: u32, word: u32) -> Event {
        let fast = (word / 8).is_multiple_of(4);
        if fast && self.pass_on_stack(cpu, id, last) {
            Event::FastSyscall
        } else {
            Event::Syscall
        }
    }

    /// Tells the model what it cannot work out by itself before a call.
    fn tell_model(&mut self, cpu: CpuId, id: u32) {
        self.model.enter(id, &self.machine.cpu(cpu).frame);
        self.model.on_cpus = self.envs_on_cpus();
        self.model.now = self.machine.now;
        self.note_who_ran();
        self.note_frames();
    }

    /// Tells the model of those whose word is in another page now, but in the same frame.
    fn note_frames(&mut self) {
        let envs = self.machine.kernel.envs();
        let watching = self
            .model
            .envs
            .iter()
            .filter_map(|(&id, env)| match env.life {
                Life::Watches(word) => Some((id, word.va)),
                _ => None,
            });
        let same = |&(id, va): &(u32, u32)| {
            let frame = self.frame_at(id, va - va % PGSIZE);
            frame == Pfn::containing(envs[slot_of(id)].second)
        };
        let back: Vec<_> = watching.filter(same).map(|(id, _)| id).collect();
        for id in back {
            self.model.frame_came_back(id);
        }
    }

    /// Lets an environment whose call is done in pieces finish that call. Returns whether
    /// it was; the result is compared when the environment is next on a CPU.
    fn finish(&mut self, cpu: CpuId, id: u32) -> bool {
        let slot = slot_of(id);
        let waits = |driver: &Self| driver.machine.kernel.envs()[slot].pending.is_some();
        let was_divided = waits(self);
        while waits(self) {
            self.machine.calm_down();
            if self.running_cpus().contains(&cpu) {
                self.pass_on(cpu, id);
            }
        }
        was_divided
    }

    /// Whether an environment that can run may have to wait until others let it.
    fn ranks(&self) -> bool {
        self.machine.kernel.config().policy == Policy::Priority
    }

    /// The environment on `cpu` makes way for `id`: its quantum passes, or if it outranks
    /// `id`, it lowers itself.
    fn pass_on(&mut self, cpu: CpuId, id: u32) {
        let other = self.env_on(cpu);
        let [theirs, its] = [other, id].map(|id| self.model.envs[&id].scheduling);
        if !self.ranks() || theirs.0 <= its.0 {
            return self.tick(cpu);
        }
        let call = Call::EnvSetScheduling;
        let arguments = [0, its.0, theirs.1, 0, 0];
        let personality = self.model.envs[&other].personality;
        let number = personality.number(call).expect("an extension");
        set_call(&mut self.machine.cpu_mut(cpu).frame, number, arguments);
        self.tell_model(cpu, other);
        self.machine.call_by(cpu, personality, Event::Syscall);
        let nothing = std::array::from_fn(|_| 0);
        self.model.call(other, call, arguments, nothing);
    }

    /// Lets `id`, which can run, get a CPU; returns which.
    fn bring_back(&mut self, id: u32) -> CpuId {
        loop {
            let cpus = self.running_cpus();
            if let Some(&cpu) = cpus.iter().find(|&&cpu| self.env_on(cpu) == id) {
                return cpu;
            }
            self.machine.calm_down();
            if let Some(&cpu) = self.running_cpus().first() {
                self.pass_on(cpu, id);
            }
        }
    }

    /// Repeats `job_destroy` until no member is left. Members that a call does not
    /// end itself end at their next entry, or when they would next get a CPU.
    fn end_job(&mut self, personality: Personality, id: u32, arguments: [u32; 5]) {
        let cpu = self.bring_back(id);
        let number = personality.number(Call::JobDestroy).expect("it was made");
        loop {
            self.machine.calm_down();
            let again = self
                .machine
                .call_number(cpu, personality, number, arguments);
            if again == Answer::Value(0) {
                break;
            }
        }
        self.model.enter(id, &self.machine.cpu(cpu).frame);
        let free = self.machine.kernel.envs().free_list();
        let free: Vec<usize> = free.map(|slot| slot.0.into()).collect();
        self.model.end_rest(id, arguments[0], &free);
    }

    /// The bytes in a range of addresses, up to a NUL or the first unmapped page.
    fn text_at(&self, id: u32, [ptr, len, ..]: [u32; 5]) -> Vec<u8> {
        let bytes = (0..len).map_while(|offset| self.byte_at(id, ptr.wrapping_add(offset)));
        bytes.take_while(|&byte| byte != 0).collect()
    }

    /// The words at an address; zeroes where nothing is mapped.
    pub(super) fn words_at<const N: usize>(&self, id: u32, va: u32) -> [u32; N] {
        std::array::from_fn(|index| {
            let at = va.wrapping_add(index as u32 * 4);
            let byte = |offset| self.byte_at(id, at.wrapping_add(offset)).unwrap_or(0);
            u32::from_le_bytes([byte(0), byte(1), byte(2), byte(3)])
        })
    }

    /// Writes what a call is to read to an address, as far as the program has pages
    /// there that are its own.
    fn write_words(&mut self, id: u32, va: u32, words: &[u32]) {
        for (index, &word) in (0..).zip(words) {
            let at = va.wrapping_add(index * 4) & !3;
            let page = at - at % PGSIZE;
            if self.model.envs[&id].pages.contains_key(&page) {
                let pa = self.frame_at(id, page).address() + at % PGSIZE;
                self.machine.kernel.mem().write(pa, word);
            }
        }
    }

    /// Which pages `id` has where a list at `va` would be.
    fn contents(&self, id: u32, va: u32) -> [Option<u64>; 2] {
        let env = self.model.envs.get(&id);
        [va, va.wrapping_add(4 * PageRange::SIZE)].map(|va| {
            let page = env?.pages.get(&(va - va % PGSIZE))?;
            Some(page.content)
        })
    }

    /// What `page_copy` with these arguments would copy.
    fn page_at(&self, caller: u32, [from, va, ..]: [u32; 5]) -> Vec<u32> {
        let from = if from == 0 { caller } else { from };
        match self.model.envs.get(&from) {
            Some(env) if env.pages.contains_key(&va) => {
                let frame = self.frame_at(from, va);
                self.machine.kernel.memory().frame(frame).to_vec()
            }
            _ => Vec::new(),
        }
    }

    /// Tells the model which environments have been on a CPU: scheduling decides
    /// that, not calls.
    fn note_who_ran(&mut self) {
        let envs = self.machine.kernel.envs();
        for (&id, env) in &mut self.model.envs {
            env.ran = envs[kcore::env::Slot(id as u16 % 1024)].runs > 0;
        }
    }

    /// The environments whose registers are on a CPU.
    fn envs_on_cpus(&self) -> Vec<u32> {
        let cpus = self.machine.cpu_ids();
        cpus.filter_map(|cpu| self.machine.env_on(cpu))
            .map(|id| id.0 as u32)
            .collect()
    }

    /// Puts a call's fifth argument on the stack of the environment on `cpu`, where
    /// `sysenter` expects it, if there is a stack. The register then holds
    /// something else.
    fn pass_on_stack(&mut self, cpu: CpuId, id: u32, argument: u32) -> bool {
        let page = USTACKTOP - PGSIZE;
        if !self.model.envs[&id].pages.contains_key(&page) {
            return false;
        }
        let frame = self.frame_at(id, page);
        let memory = self.machine.kernel.mem();
        memory.write(frame.address() + PGSIZE - 8, argument);
        let registers = &mut self.machine.cpu_mut(cpu).frame;
        registers.esp = USTACKTOP - 8;
        registers.regs.esi = registers.eip;
        true
    }

    /// Whether the kernel's answer is the one that the model expects. Who is outranked
    /// meanwhile finds the result when it is next on a CPU, where all results are compared.
    fn agree(&self, expected: Expected, answer: Answer) -> bool {
        match (expected, answer) {
            (Expected::Value(value), Answer::Value(got)) => value == got,
            (Expected::Fails(error), Answer::Failed(got)) => error == got,
            (Expected::Moves(value), Answer::Value(got)) => value == got,
            (Expected::Moves(_), Answer::Left(_)) => true,
            (Expected::Yields, Answer::Value(0) | Answer::Left(_)) => true,
            (Expected::Leaves, Answer::Left(_)) => true,
            (_, Answer::Left(_)) => self.ranks(),
            _ => false,
        }
    }
}
