//! A session goes anywhere in its run, and comes back to the same; what is done by hand
//! is done again.
//!
//! The hard thing is that none of it may be told twice, or forgotten.

use abi::{Call, EnvStatus, Personality};
use kcore::CpuId;
use page::session::Hand;
use page::steps::Unit;
use page::{Request, Session, memory, state};
use sim::image::{Segment, elf};
use witness::trace::Kind;

const CODE: u32 = 0x80_0000;
const DATA: u32 = 0x80_1000;

/// Prints; makes a child that has no memory, and so faults at once on the other CPU;
/// works a little, and ends.
fn program() -> Vec<u8> {
    let word = |code: &mut Vec<u8>, opcode: u8, word: u32| {
        code.push(opcode);
        code.extend(word.to_le_bytes());
    };
    let call = |code: &mut Vec<u8>, call: Call, edx: u32, ecx: u32| {
        word(code, 0xba, edx);
        word(code, 0xb9, ecx);
        word(
            code,
            0xb8,
            Personality::Lab4.number(call).expect("lab 4 has it"),
        );
        code.extend([0xcd, 0x30]);
    };
    let mut code = Vec::new();
    call(&mut code, Call::Cputs, DATA, 1);
    call(&mut code, Call::Exofork, 0, 0);
    code.extend([0x89, 0xc2]); // mov edx, eax
    word(&mut code, 0xb9, EnvStatus::Runnable as u32);
    let number = Personality::Lab4.number(Call::EnvSetStatus);
    word(&mut code, 0xb8, number.expect("lab 4 has it"));
    code.extend([0xcd, 0x30]);
    word(&mut code, 0xb9, 2000);
    code.extend([0xe2, 0xfe]); // loop to itself
    call(&mut code, Call::Cputs, DATA, 2);
    call(&mut code, Call::EnvDestroy, 0, 0);
    let segment = |va, bytes: &[u8]| Segment {
        va,
        bytes: bytes.to_vec(),
        mem_size: bytes.len() as u32,
    };
    elf(CODE, &[segment(CODE, &code), segment(DATA, b"ab")])
}

fn boot() -> Session {
    let request = Request::parse("program=letters\ncpus=2\nseed=5\n").expect("right");
    Session::boot(&request, program(), Vec::new()).expect("it boots")
}

fn console(session: &Session) -> String {
    String::from_utf8_lossy(session.story.console()).into_owned()
}

#[test]
fn the_story_is_told_once() {
    let mut session = boot();
    let end = session.go_to(u64::MAX);
    assert!(session.is_whole());
    let (told, records) = (console(&session), session.story.len());
    assert!(told.starts_with("SMP: CPU 0 found 2 CPU(s)\n"), "{told}");
    assert!(
        told.contains("\na[") && told.contains("ab[") && told.ends_with("to do!\n"),
        "{told}"
    );
    for position in [0, end / 2, 3, end, 1] {
        assert_eq!(session.go_to(position), position);
    }
    session.go_to(u64::MAX);
    assert_eq!((console(&session), session.story.len()), (told, records));
    // In parts it is the same.
    let mut parts = boot();
    while parts.run(7) < end {}
    assert_eq!(parts.story.len(), records);
    assert_eq!(parts.digest(), session.digest());
}

#[test]
fn steps_lead_forward_and_back() {
    let mut session = boot();
    for unit in [Unit::Step, Unit::Switch, Unit::Position] {
        let mut forward = vec![session.go_to(0)];
        while forward.len() < 40 && session.step(unit, false) {
            forward.push(session.position());
        }
        assert!(forward.len() > 3, "{unit:?}: {forward:?}");
        assert!(forward.is_sorted_by(|a, b| a < b), "{unit:?}: {forward:?}");
        // Where there is no other, it has looked as far as the run goes.
        session.go_to(forward.pop().expect("not empty"));
        while let Some(expected) = forward.pop().filter(|place| *place > 0) {
            assert!(session.step(unit, true), "{unit:?} back to {expected}");
            assert_eq!(session.position(), expected, "{unit:?}");
        }
    }
    session.go_to(0);
    assert!(!session.step(Unit::Position, true));
    session.go_to(u64::MAX);
    assert!(!session.step(Unit::Step, false));
}

#[test]
fn what_is_done_by_hand_is_done_again() {
    let mut session = boot();
    let end = session.go_to(u64::MAX);
    let own = session.digest();
    let mut places = 1..end;
    let mut both_move = |place: &u64| {
        session.go_to(*place);
        session.pc.can_move(CpuId(0)) && session.pc.can_move(CpuId(1))
    };
    let middle = places.rfind(&mut both_move).expect("there are two CPUs");
    let other = CpuId(1 - session.pc.latest().0);
    assert!(session.choose(other, 1));
    assert_eq!(session.end(), middle);
    assert_eq!(session.run(1), middle + 1);
    assert_eq!(session.pc.latest(), other);
    session.type_in(b"x");
    let end = session.go_to(u64::MAX);
    let changed = session.digest();
    assert_ne!(changed, own);
    for position in [0, middle, end, middle + 1, 5] {
        session.go_to(position);
    }
    session.go_to(end);
    assert_eq!(session.digest(), changed);
    assert_eq!(session.moves(middle, middle + 1), [(middle, 1, other.0)]);
    // A link holds it.
    let link = session.repeated();
    let mut again = boot();
    again.repeat(&link).expect("its own words");
    assert_eq!(again.hands(), session.hands());
    again.go_to(end);
    assert_eq!(again.digest(), changed);
    // Another choice at the same place takes the first one's.
    session.go_to(middle);
    assert!(session.choose(other, 9));
    assert_eq!(session.hands(), [(middle, Hand::Moved(other, 9))]);
    assert!(!session.choose(CpuId(2), 1), "there is no such CPU");
    assert!(again.repeat("5q1").is_err());
}

#[test]
fn moves_fill_a_stretch() {
    let mut session = boot();
    session.go_to(u64::MAX);
    session.go_to(50);
    let moves = session.moves(1, 400);
    assert_eq!(session.position(), 50);
    let mut at = 1;
    for (start, length, _) in &moves {
        assert_eq!(*start, at);
        at += length;
    }
    assert_eq!(at, 400);
    let cpus: Vec<u8> = moves.iter().map(|(_, _, cpu)| *cpu).collect();
    assert!(cpus.len() > 2, "{cpus:?}");
}

#[test]
fn the_state_is_told_in_words() {
    let mut session = boot();
    let born = |session: &Session, index: &usize| {
        let (_, record) = session.story.record(*index).expect("a record");
        record.content.kind() == Kind::Born && record.env.0 != 0
    };
    session.go_to(u64::MAX);
    let mut records = 0..session.story.len();
    let child = records
        .find(|index| born(&session, index))
        .expect("a child");
    let (place, record) = session.story.record(child).expect("a record");
    session.go_to(place);
    let text = state::state(&session);
    for part in [
        "\"cause\":\"exofork\"",
        "\"kind\":\"new\"",
        "\"status\":\"running\"",
        "\"status\":\"not runnable\"",
        "\"parent\":\"00001000\"",
        "int $0x30",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let mapped = memory::mappings(&session.pc, record.env);
    assert!(mapped.contains("\"from\":\"00800000\""), "{mapped}");
    let walk = memory::walk(&session.pc, record.env, CODE + 4);
    for part in ["\"directory\"", "\"table\"", "\"pa\"", "\"remembered\":[{"] {
        assert!(walk.contains(part), "{part} in {walk}");
    }
    let nowhere = memory::walk(&session.pc, record.env, 0x1000);
    assert!(!nowhere.contains("\"pa\""), "{nowhere}");
}

/// A position late in the run at which both CPUs can move.
fn crossroads(session: &mut Session) -> u64 {
    let end = session.go_to(u64::MAX);
    let mut both_move = |place: &u64| {
        session.go_to(*place);
        session.pc.can_move(CpuId(0)) && session.pc.can_move(CpuId(1))
    };
    (1..end).rfind(&mut both_move).expect("there are two CPUs")
}

#[test]
fn two_things_done_at_one_position_are_done_once_each() {
    let choose = |session: &mut Session, cpu| assert!(session.choose(CpuId(cpu), 5));
    let acts: [&dyn Fn(&mut Session); 4] = [
        &|session| {
            choose(session, 0);
            choose(session, 1);
        },
        &|session| {
            session.type_in(b"x");
            session.type_in(b"y");
        },
        &|session| {
            choose(session, 1);
            session.type_in(b"x");
            choose(session, 0);
        },
        // The second after a look at what comes of the first.
        &|session| {
            let here = session.position();
            session.type_in(b"x");
            session.go_to(u64::MAX);
            session.go_to(here);
            choose(session, 1);
        },
    ];
    for (number, act) in acts.into_iter().enumerate() {
        let mut session = boot();
        let middle = crossroads(&mut session);
        for place in [middle, 0] {
            session.go_to(place);
            act(&mut session);
            let there = session.digest();
            let end = session.go_to(u64::MAX);
            let (changed, told) = (session.digest(), console(&session));
            for before in [place, place.saturating_sub(1), 0] {
                session.go_to(before);
                assert_eq!(session.end(), end, "{number} at {place}, from {before}");
                session.go_to(place);
                assert_eq!(
                    session.digest(),
                    there,
                    "{number} at {place}, from {before}"
                );
                session.go_to(before);
                assert_eq!(session.go_to(u64::MAX), end);
                assert_eq!(
                    session.digest(),
                    changed,
                    "{number} at {place}, from {before}"
                );
                assert_eq!(
                    console(&session),
                    told,
                    "{number} at {place}, from {before}"
                );
            }
        }
    }
}
