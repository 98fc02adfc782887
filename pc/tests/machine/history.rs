//! Back and forward come to the same.
//!
//! The hard thing is that a run must not notice where it was stopped: in the middle of
//! a turn, of a way through the kernel, of a repeated string instruction.

use abi::layout::UENVS;
use abi::{Call, Personality};
use pc::plan::{Choice, Chosen, Plan};
use pc::{Config, History, Pace, Pc};
use sim::code::{Code, DATA, printer};
use sim::machine::{Machine, Spec, Store};
use sim::random::Stream;

fn spec() -> Spec {
    Spec {
        cpus: 2,
        ..Spec::default()
    }
}

fn machine(store: &mut Store) -> Machine<'_> {
    let copies = Code::default()
        .word(&[0xbe], DATA) // mov esi, DATA
        .word(&[0xbf], DATA + 8) // mov edi, DATA + 8
        .word(&[0xb9], 200) // mov ecx, 200
        .bytes(&[0xf3, 0xa4]) // rep movsb
        .word(&[0xdb, 0x05], DATA) // fild dword [DATA]
        .word(&[0xa1], UENVS) // mov eax, [UENVS], which others use
        .bytes(&[0x0f, 0x31]) // rdtsc
        .word(&[0xa3], DATA + 16) // mov [DATA + 16], eax
        .call(Call::Cputs, DATA, 1)
        .file(&[b'r'; 300]);
    let mut machine = Machine::new(store, spec());
    for file in [printer(b'a'), copies, printer(b'b')] {
        let made = machine.boot_image(&file, &[], Personality::Lab4);
        made.expect("the image loads");
    }
    machine
}

fn plans() -> Vec<(Plan, bool)> {
    let plan = |pace, store_buffers| {
        let config = Config {
            seed: 3,
            pace,
            store_buffers,
        };
        (config.plan(), store_buffers)
    };
    let choices = [
        (5, Choice::Switch(kcore::CpuId(1))),
        (9, Choice::Ring(kcore::CpuId(1))),
    ];
    vec![
        plan(Pace::Fair, false),
        plan(Pace::Fair, true),
        plan(Pace::Hostile, true),
        (Plan::Chosen(Chosen::new(&choices)), false),
        (Plan::Chosen(Chosen::new(&choices)), true),
    ]
}

#[test]
fn where_it_stops_makes_no_difference() {
    for (plan, buffers) in plans() {
        let mut store = Store::new(&spec());
        let mut whole = Pc::with_plan(machine(&mut store), plan.clone(), buffers);
        whole.advance(u64::MAX);
        assert!(whole.has_ended());
        let mut store = Store::new(&spec());
        let mut single = Pc::with_plan(machine(&mut store), plan, buffers);
        while single.advance(1) > 0 {}
        assert_eq!(single.position(), whole.position());
        assert_eq!(single.take_output(), whole.take_output());
        assert_eq!(single.digest(), whole.digest());
    }
}

#[test]
fn every_position_can_be_reached_again() {
    for (plan, buffers) in plans() {
        let mut store = Store::new(&spec());
        let mut pc = Pc::with_plan(machine(&mut store), plan, buffers);
        let mut history = History::new(&mut pc);
        let mut digests = vec![pc.digest()];
        while history.forward(&mut pc, 1) > 0 {
            digests.push(pc.digest());
        }
        assert!(history.is_whole());
        assert_eq!(history.end(), digests.len() as u64 - 1);
        let mut random = Stream::new(1);
        for _ in 0..300 {
            let position = u64::from(random.word()) % digests.len() as u64;
            assert_eq!(history.go_to(&mut pc, position), position);
            assert_eq!(pc.digest(), digests[position as usize], "at {position}");
        }
        assert_eq!(history.go_to(&mut pc, u64::MAX), history.end());
    }
}

/// What somebody changes lasts until they go back before it.
#[test]
fn a_change_is_part_of_the_run_from_there_on() {
    let (plan, buffers) = plans().remove(0);
    let mut store = Store::new(&spec());
    let mut pc = Pc::with_plan(machine(&mut store), plan, buffers);
    let mut history = History::new(&mut pc);
    history.forward(&mut pc, u64::MAX);
    let (end, unchanged) = (history.end(), pc.digest());
    history.go_to(&mut pc, end / 2);
    let cpu = pc.latest();
    while !pc.is_in_ring3(cpu) {
        history.forward(&mut pc, 1);
    }
    let here = pc.position();
    pc.set_byte_on(cpu, DATA, b'!').expect("mapped");
    let mut registers = pc.registers(cpu);
    registers.general[0] ^= 0x4000;
    pc.set_registers(cpu, &registers).expect("in ring 3");
    history.cut(&mut pc);
    assert_eq!((history.end(), history.changed()), (here, Some(here)));
    assert_eq!(pc.registers(cpu), registers);
    let changed = pc.digest();
    assert!(history.forward(&mut pc, 50) > 0);
    history.go_to(&mut pc, here);
    assert_eq!(pc.byte_on(cpu, DATA), Some(b'!'));
    assert_eq!(pc.digest(), changed);
    history.go_to(&mut pc, here - 1);
    assert_eq!(history.changed(), None);
    history.go_to(&mut pc, u64::MAX);
    assert_eq!((pc.position(), pc.digest()), (end, unchanged));
}

/// A machine that goes back has never used what it will use later.
#[test]
fn memory_that_was_taken_is_given_back() {
    let mut store = Store::new(&spec());
    let mut machine = Machine::new(&mut store, spec());
    let code = Code::default()
        .word(&[0xbb], 7) // mov ebx, the rights
        .word(&[0xbe], 300) // mov esi, 300
        .word(&[0xbf], DATA); // mov edi, DATA
    let start = code.0.len();
    let takes = code
        .word(&[0x81, 0xc7], 0x1000) // add edi, a page
        .bytes(&[0x31, 0xd2, 0x89, 0xf9]) // xor edx, edx; mov ecx, edi
        .call_as_is(Call::PageAlloc)
        .bytes(&[0x4e]) // dec esi
        .jump_back(0x75, start)
        .file(&[0]);
    let made = machine.boot_image(&takes, &[], Personality::Lab4);
    made.expect("the image loads");
    let mut pc = Pc::new(machine, Config::default());
    let before = pc.digest();
    let mut history = History::new(&mut pc);
    let end = history.forward(&mut pc, u64::MAX);
    assert!(pc.has_ended() && end > 1500, "{end}");
    history.go_to(&mut pc, 0);
    assert_eq!(pc.digest(), before);
}

#[test]
fn snapshots_are_few_however_long_the_run() {
    let spec = Spec::default();
    let mut store = Store::new(&spec);
    let mut machine = Machine::new(&mut store, spec);
    // Counts for ever.
    let counts = Code::default()
        .word(&[0xff, 0x05], DATA)
        .jump_back(0xeb, 0)
        .file(&[0; 4]);
    let made = machine.boot_image(&counts, &[], Personality::Lab4);
    made.expect("the image loads");
    let mut pc = Pc::new(machine, Config::default());
    let mut history = History::new(&mut pc);
    history.forward(&mut pc, 20_000_000);
    let digest = pc.digest();
    assert!(history.kept() <= pc::history::MOST + 1);
    for back in [1, 77, 19_999_999, 10_000_000] {
        let position = pc.position() - back;
        let before = history.before(position).position();
        assert!(position - before <= 2 * 20_000_000 / pc::history::MOST as u64);
        assert_eq!(history.go_to(&mut pc, position), position);
        assert_eq!(history.go_to(&mut pc, 20_000_000), 20_000_000);
        assert_eq!(pc.digest(), digest);
    }
}
